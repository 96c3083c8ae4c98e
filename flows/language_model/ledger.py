"""Decides whether another request may be paid for: what was spent and reserved, under the cap."""

import os
from pathlib import Path

from flows.language_model.answer import Tokens
from flows.settings import LanguageModelSettings, SettingsError
from flows.store import PRIVATE_FILE, make_private_directory

_PICODOLLARS = 1_000_000_000_000  # whole numbers: a sum must not depend on its order


class Ledger:
    """Amounts in millionths of a microdollar, written down before anything is sent.

    It outlives the process beside the cached answers, so a run that was killed goes on with what
    it has left, and one that is repeated stops at the same conversation.
    """

    def __init__(self, directory: Path, settings: LanguageModelSettings) -> None:
        self._path = make_private_directory(directory) / "spent.txt"
        self._cap = round(settings.max_spend_usd * _PICODOLLARS)
        self._input_price = round(settings.input_usd_per_million * _PICODOLLARS / 1_000_000)
        self._output_price = round(settings.output_usd_per_million * _PICODOLLARS / 1_000_000)
        self._spent = _read_sum(self._path)

    def price(self, tokens: Tokens) -> int:
        """What so many tokens cost."""
        return tokens.input_count * self._input_price + tokens.output_count * self._output_price

    def affords(self, amount: int) -> bool:
        """Whether the amount still fits under the cap."""
        return self._spent + amount <= self._cap

    def book(self, amount: int) -> None:
        """Writes down an amount, negative for what is given back."""
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE_FILE)
        try:
            os.write(descriptor, f"{amount}\n".encode())
        finally:
            os.close(descriptor)
        self._spent += amount


def _read_sum(path: Path) -> int:
    try:
        return sum(int(line) for line in path.read_text("utf-8").splitlines())
    except FileNotFoundError:
        return 0
    except ValueError:
        raise SettingsError(
            f"language_model: {path.name}, which says what was spent, is damaged; remove it to"
            " spend up to max_spend_usd again"
        ) from None
