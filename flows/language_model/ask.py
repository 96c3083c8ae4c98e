"""Decides which conversations are asked about, as if one after the other, and when to stop.

Several requests run beside each other, but one is only sent when it would have been sent whatever
comes of those before it. So replies do not depend on the number of workers or on their speed.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from flows.language_model.answer import (
    CACHED,
    ENDPOINT_DOWN,
    HTTP_ERROR,
    RATE_LIMITED,
    SPENDING_CAP,
    TIMEOUT,
    Ask,
    Reply,
    Tokens,
    read_completion,
    read_usage,
)
from flows.language_model.cache import cache_key, read_cached, write_cached
from flows.language_model.endpoint import Endpoint, Posted, find_endpoint, open_endpoint
from flows.language_model.ledger import Ledger
from flows.language_model.prompt import Prompt
from flows.settings import LanguageModelSettings, SettingsError

_ENDPOINT_FAILURES = (RATE_LIMITED, TIMEOUT, HTTP_ERROR)


def build_ask(
    settings: LanguageModelSettings,
    cache_directory: Path,
    environ: Mapping[str, str],
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Ask:
    """Prepares asking; nothing is sent before the result is called.

    The result is called by one thread at a time. Prompts are asked in their order. Once the next
    request could exceed `max_spend_usd`, those that are not cached get `spending_cap`; after
    `consecutive_failures` requests in a row that failed for the endpoint's sake (not by refusal or
    malformed answer), `endpoint_down`. Both last as long as the result.

    Args:
        settings: Endpoint, model, limits and prices.
        cache_directory: Private to the run. Keeps answers and what was spent: the cap is for all
            that is ever asked with this directory.
        environ: Such as `os.environ`; holds the key.
        sleep: Waits between attempts, in seconds; called by several threads.

    Raises:
        SettingsError: The model is not enabled, its address cannot be trusted, its key is missing,
            or the account of what was spent is damaged.
    """
    if not settings.enabled:
        raise SettingsError("language_model: is not enabled")
    endpoint = find_endpoint(settings, environ)
    ledger = Ledger(cache_directory, settings)
    return _Asking(settings, endpoint, ledger, cache_directory, sleep)


@dataclass
class _Sent:
    """A request under way, or one that waits for those before it."""

    place: int
    key: str
    prompt: Prompt
    reserved: int
    posted: Future[Posted]
    reply: Reply | None = None


@dataclass
class _Asking:
    """An `Ask` with what has happened so far; only workers' `Post` runs beside it."""

    settings: LanguageModelSettings
    endpoint: Endpoint
    ledger: Ledger
    directory: Path
    sleep: Callable[[float], None]
    failures_in_a_row: int = 0
    stopped: str | None = None

    def __call__(self, prompts: Iterable[Prompt]) -> list[Reply]:
        replies: dict[int, Reply] = {}
        sent: deque[_Sent] = deque()
        with (
            open_endpoint(self.endpoint, self.settings, self.sleep) as post,
            ThreadPoolExecutor(self.settings.workers) as pool,
        ):
            for place, prompt in enumerate(prompts):
                key = cache_key(self.endpoint.url, prompt.body)
                reserved = self.settings.max_attempts * self._most_of_one_attempt(prompt)
                while self._is_undecided(key, reserved, sent):
                    self._settle(sent, replies)
                if reply := self._reply_without_asking(key, prompt, reserved):
                    replies[place] = reply
                    continue
                self.ledger.book(reserved)
                posted = pool.submit(post, prompt.body)
                sent.append(_Sent(place, key, prompt, reserved, posted))
            while sent:
                self._settle(sent, replies)
        return [replies[place] for place in range(len(replies))]

    def _most_of_one_attempt(self, prompt: Prompt) -> int:
        """An upper bound: no tokenizer makes more tokens than there are bytes."""
        return self.ledger.price(Tokens(len(prompt.body.encode()), self.settings.max_output_tokens))

    def _is_undecided(self, key: str, reserved: int, sent: deque[_Sent]) -> bool:
        """Whether requests under way must end before it is known if this one is sent."""
        open_keys = [each.key for each in sent if each.reply is None]
        if not open_keys:
            return False
        return (
            key in open_keys
            or len(open_keys) >= self.settings.workers
            or self._most_failures_in_a_row(sent) >= self.settings.consecutive_failures
            or not self.ledger.affords(reserved)
        )

    def _most_failures_in_a_row(self, sent: deque[_Sent]) -> int:
        """The longest run there can be by now, if all that is still open fails."""
        run = most = self.failures_in_a_row
        for each in sent:
            run = run + 1 if each.reply is None or _is_endpoint_failure(each.reply) else 0
            most = max(most, run)
        return most

    def _reply_without_asking(self, key: str, prompt: Prompt, reserved: int) -> Reply | None:
        if (answer := read_cached(self.directory, key, prompt.candidates)) is not None:
            return Reply(CACHED, answer)
        if self.stopped is None and not self.ledger.affords(reserved):
            self.stopped = SPENDING_CAP
        return None if self.stopped is None else Reply(self.stopped)

    def _settle(self, sent: deque[_Sent], replies: dict[int, Reply]) -> None:
        """Waits until a request has ended; counts failures in the order of sending."""
        wait([each.posted for each in sent if each.reply is None], return_when=FIRST_COMPLETED)
        for each in sent:
            if each.reply is None and each.posted.done():
                each.reply = replies[each.place] = self._conclude(each, each.posted.result())
        while sent and sent[0].reply is not None:
            is_failure = _is_endpoint_failure(sent.popleft().reply)
            self.failures_in_a_row = self.failures_in_a_row + 1 if is_failure else 0
            if self.failures_in_a_row >= self.settings.consecutive_failures:
                self.stopped = ENDPOINT_DOWN

    def _conclude(self, sent: _Sent, posted: Posted) -> Reply:
        most = self._most_of_one_attempt(sent.prompt)
        spent = posted.lost_count * most
        if posted.failure is None:
            reply = read_completion(posted.content, sent.prompt.candidates)
            tokens = read_usage(posted.content)
            spent += most if tokens is None else self.ledger.price(tokens)
        else:
            reply = Reply(posted.failure)
        if reply.answer is not None:  # kept first: a run killed here pays too early, not twice
            write_cached(self.directory, sent.key, reply.answer)
        self.ledger.book(spent - sent.reserved)
        return reply


def _is_endpoint_failure(reply: Reply | None) -> bool:
    return reply is not None and reply.outcome in _ENDPOINT_FAILURES
