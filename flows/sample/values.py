"""Decides what invented personal data looks like: unique, well formed, and nobody's.

Telephone numbers lie in ranges kept free for fiction (or on the 555 exchange of North America),
mail addresses under example.com, example.net and example.org, which RFC 2606 reserves. Web hosts
are coined, with random characters: redaction leaves reserved hosts alone. Cards, IBANs and keys
are random behind the prefix and checksum of their kind.
"""

import random
import re
import string
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache

from flows.sample.bank import read_table
from flows.sample.draw import Weighted

_CLEAN_LOCAL_PART = re.compile(r"[^a-z]+")
_BASE36 = string.digits + string.ascii_lowercase
_BASE62 = string.digits + string.ascii_letters
_FORMS = {"de": "GmbH", "fr": "SARL", "es": "S.L.", "pt": "Lda.", "it": "S.r.l.", "nl": "B.V."}
_DAY_FORMS = {"de": "{d:02}.{m:02}.{y}", "ru": "{d:02}.{m:02}.{y}", "nl": "{d:02}-{m:02}-{y}"}
_DAY_FORMS |= {"zh": "{m}月{d}日", "ja": "{m}月{d}日"}
_ENGLISH_DAY_FORMS = ("{d} {name}", "{name} {d}", "{d} {name} {y}", "{y}-{m:02}-{d:02}", "{m}/{d}")
_PHONES = {  # by country; # is a digit
    "GB": ("020 7946 0###", "+44 20 7946 0###", "0161 496 0###", "+44 113 496 0###"),
    "DE": ("030 23125###", "+49 30 23125 ###", "+49 69 90009 ###", "089 99998 ###"),
    "FR": ("01 99 00 ## ##", "+33 1 99 00 ## ##", "02 61 91 ## ##", "+33 4 65 71 ## ##"),
    "AU": ("(02) 5550 ####", "+61 2 5550 ####", "+61 3 7010 ####"),
}
_NORTH_AMERICAN_PHONES = ("+1 {area} 555 ####", "({area}) 555-####", "{area}-555-####")
_IBANS = {  # letters before digits, as the IBAN registry has it
    "DE": "##################",
    "GB": "@@@@##############",
    "FR": "#######################",
    "NL": "@@@@##########",
    "ES": "####################",
    "IT": "@######################",
    "PT": "#####################",
    "BE": "############",
    "PL": "########################",
}
_CARDS = (("4", 16), ("51", 16), ("55", 16), ("37", 15), ("6011", 16))
_KEYS = (("sk-proj-", 40), ("sk-ant-api03-", 40), ("ghp_", 36), ("glpat-", 20), ("hf_", 34))


@dataclass(frozen=True, slots=True)
class Culture:
    """Names and places of one culture; `address` orders %n number, %s street, %c city, %p code."""

    given: list[str]
    family: list[str]
    cities: list[str]
    streets: list[str]
    address: str


@dataclass(frozen=True, slots=True)
class Scene:
    """Where the values of one conversation come from, and those it has already, by slot."""

    rng: random.Random
    language: str
    country: str
    today: date
    culture: Culture
    values: dict[str, str] = field(default_factory=dict)


def set_scene(rng: random.Random, language: str, country: str, today: date) -> Scene:
    """Draws the culture that the names and places of a conversation are of."""
    return Scene(rng, language, country, today, _cultures(language).draw(rng.random()))


def make_person(scene: Scene) -> str:
    """Given and family name, as the language orders them."""
    given, family = scene.rng.choice(scene.culture.given), scene.rng.choice(scene.culture.family)
    if scene.language in ("zh", "ja"):
        return family + given
    if scene.language == "en" and scene.rng.random() < 0.2:
        given += f" {scene.rng.choice(string.ascii_uppercase)}."
    return f"{given} {family}"


def make_email(scene: Scene) -> str:
    """Names its person where the letters allow, and has five random characters."""
    name = unicodedata.normalize("NFKD", scene.values.get("person") or make_person(scene))
    words = [_CLEAN_LOCAL_PART.sub("", word) for word in name.lower().split()]
    local = ".".join(word for word in words if word) or coin(scene.rng).lower()
    host = f"{coin(scene.rng).lower()}.example.{_top_level(scene)}"
    return f"{local}.{_pick(scene.rng, _BASE36, 5)}@{host}"


def make_phone(scene: Scene) -> str:
    """A number of the account's country where fiction has a range there, or a 555 number."""
    form = scene.rng.choice(_PHONES.get(scene.country, _NORTH_AMERICAN_PHONES))
    return _digits(scene, form.replace("{area}", _word(scene.rng, "area_code")))


def make_company(scene: Scene) -> str:
    """A coined name, a trade and a legal form."""
    form = _FORMS.get(scene.language) or _word(scene.rng, "english_form")
    return f"{coin(scene.rng)} {_word(scene.rng, 'trade')} {form}"


def make_address(scene: Scene) -> str:
    """Street, number and city, in the order of the country."""
    return (
        scene.culture.address.replace("%n", str(scene.rng.randint(1, 399)))
        .replace("%s", scene.rng.choice(scene.culture.streets))
        .replace("%p", str(scene.rng.randint(10_000, 99_999)))
        .replace("%c", make_city(scene))
    )


def make_city(scene: Scene) -> str:
    """A real city."""
    return scene.rng.choice(scene.culture.cities)


def make_day(scene: Scene) -> str:
    """A day in the two months after the conversation."""
    day = scene.today + timedelta(days=scene.rng.randint(1, 60))
    english = scene.rng.choice(_ENGLISH_DAY_FORMS)
    form = english if scene.language == "en" else _DAY_FORMS.get(scene.language, "{d}/{m}/{y}")
    return form.format(d=day.day, m=day.month, y=day.year, name=_words()["month"][day.month - 1])


def make_url(scene: Scene) -> str:
    """A page with a random number of eight hexadecimal digits."""
    page, number = _word(scene.rng, "page"), scene.rng.getrandbits(32)
    host = f"{coin(scene.rng).lower()}-{_pick(scene.rng, _BASE36, 4)}.{_top_level(scene)}"
    return f"https://{host}/{page}/{number:08x}"


def make_iban(scene: Scene) -> str:
    """With the check digits of ISO 13616."""
    country = scene.rng.choice(tuple(_IBANS))
    letters = [
        scene.rng.choice(string.ascii_uppercase) if sign == "@" else sign
        for sign in _IBANS[country]
    ]
    account = _digits(scene, "".join(letters))
    number = int("".join(str(int(sign, 36)) for sign in f"{account}{country}00"))
    return _grouped(scene, f"{country}{98 - number % 97:02}{account}")


def make_card(scene: Scene) -> str:
    """With the check digit of ISO/IEC 7812."""
    prefix, length = scene.rng.choice(_CARDS)
    body = _digits(scene, prefix + "#" * (length - len(prefix) - 1))
    doubled = [int(digit) * (2 - position % 2) for position, digit in enumerate(body[::-1])]
    check = -sum(value // 10 + value % 10 for value in doubled) % 10
    return _grouped(scene, f"{body}{check}")


def make_key(scene: Scene) -> str:
    """A key in the shape of a well-known issuer."""
    prefix, length = scene.rng.choice(_KEYS)
    return prefix + _pick(scene.rng, _BASE62, length)


def make_password(scene: Scene) -> str:
    """Two coined words, digits and a sign."""
    sign, number = scene.rng.choice("!#%*"), scene.rng.randint(1000, 9999)
    return f"{coin(scene.rng)}-{coin(scene.rng)}-{number}{sign}"


def coin(rng: random.Random) -> str:
    """A word that means nothing, of three syllables."""
    return "".join(_word(rng, "syllable") for _ in range(3)).capitalize()


def _top_level(scene: Scene) -> str:
    return scene.rng.choice(("com", "net", "org"))


def _digits(scene: Scene, form: str) -> str:
    return "".join(str(scene.rng.randrange(10)) if sign == "#" else sign for sign in form)


def _grouped(scene: Scene, number: str) -> str:
    if scene.rng.random() < 0.5:
        return number
    return " ".join(number[start : start + 4] for start in range(0, len(number), 4))


@cache
def _cultures(language: str) -> Weighted[Culture]:
    rows = [row for row in read_table("names") if language in row["languages"].split()]
    return Weighted(
        (_read_culture(row), float(row["english_share"]) if language == "en" else 1.0)
        for row in rows
    )


def _read_culture(row: dict[str, str]) -> Culture:
    return Culture(
        row["given"].split(";"),
        row["family"].split(";"),
        row["cities"].split(";"),
        row["streets"].split(";"),
        row["address"],
    )


@cache
def _words() -> dict[str, list[str]]:
    return {row["kind"]: row["words"].split() for row in read_table("words")}


def _word(rng: random.Random, kind: str) -> str:
    return rng.choice(_words()[kind])


def _pick(rng: random.Random, alphabet: str, count: int) -> str:
    return "".join(rng.choice(alphabet) for _ in range(count))


MAKERS: dict[str, Callable[[Scene], str]] = {
    "person": make_person,
    "person2": make_person,
    "email": make_email,
    "phone": make_phone,
    "company": make_company,
    "address": make_address,
    "city": make_city,
    "date": make_day,
    "url": make_url,
    "iban": make_iban,
    "card": make_card,
    "secret": make_key,
}
"""What fills each slot."""
