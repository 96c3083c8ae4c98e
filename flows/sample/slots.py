"""Decides what stands in the slots of a text, and writes down where it stands."""

import re
from dataclasses import dataclass

from flows.sample.values import MAKERS, Scene, make_password

ENTITY_TYPES = {
    "person": "PERSON",
    "person2": "PERSON",
    "email": "EMAIL_ADDRESS",
    "phone": "PHONE_NUMBER",
    "company": "ORGANIZATION",
    "address": "LOCATION",
    "city": "LOCATION",
    "date": "DATE_TIME",
    "url": "URL",
    "iban": "IBAN_CODE",
    "card": "CREDIT_CARD",
    "secret": "SECRET",
}
SLOT = re.compile(r"\{([a-z]+2?)\}")
_BEFORE_PASSWORD = re.compile(r"passw|login|\{email\} / ", re.IGNORECASE)
_LOOK_BACK = 40


@dataclass(frozen=True, slots=True)
class Planted:
    """One filled slot; offsets are code points of the message."""

    message_index: int
    start: int
    end: int
    entity_type: str
    text: str


def fill_slots(text: str, message_index: int, scene: Scene) -> tuple[str, list[Planted]]:
    """The text with a value in place of each slot; a slot that comes again has its value again."""
    parts: list[str] = []
    planted: list[Planted] = []
    position = length = 0
    for slot in SLOT.finditer(text):
        value = _value(slot[1], text[max(0, slot.start() - _LOOK_BACK) : slot.start()], scene)
        between = text[position : slot.start()]
        start = length + len(between)
        position, length = slot.end(), start + len(value)
        parts += [between, value]
        planted.append(Planted(message_index, start, length, ENTITY_TYPES[slot[1]], value))
    return "".join([*parts, text[position:]]), planted


def _value(slot: str, before: str, scene: Scene) -> str:
    if slot not in scene.values:
        is_password = slot == "secret" and _BEFORE_PASSWORD.search(before) is not None
        make = make_password if is_password else MAKERS[slot]
        value = make(scene)
        while value in scene.values.values():  # two people have two names
            value = make(scene)
        scene.values[slot] = value
    return scene.values[slot]
