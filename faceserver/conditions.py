"""Conditions on what is told of a face: ``age:20-40``, ``gender:female``, ``quality:0.5-``.

A condition is a name, a colon and a value. The value is a number, a range of numbers whose ends may
be left out and are included, or a text. ``..`` stands for the dash where a number is negative:
``pose_yaw:-30..30``. A face that lacks the attribute fits no condition on it.
"""

import re
from dataclasses import dataclass
from math import inf
from typing import Any

CONDITION_PATTERN = r"^[a-z][a-z0-9_]{0,63}:[^\x00-\x1f\x7f-\x9f\u2028\u2029]{1,200}$"
"""Of a condition, as JSON Schema has it."""

RANGE_PATTERN = (
    r"^([0-9]{1,6}(\.[0-9]{1,6})?(-|\.\.)([0-9]{1,6}(\.[0-9]{1,6})?)?"
    r"|(\.\.)?[0-9]{1,6}(\.[0-9]{1,6})?)$"
)
"""Of a range of numbers none of which is negative, or of one number."""

_NUMBER = r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?"
_RANGE = re.compile(rf"({_NUMBER})?(\.\.|-)({_NUMBER})?")
_WHOLE = re.compile(_NUMBER)
_CONDITION = re.compile(CONDITION_PATTERN)


@dataclass(frozen=True)
class Condition:
    """What an attribute of a face must be.

    Attributes:
        name: of the attribute, as it is stored.
        text: a text that is the same fits, and so do ``true`` and ``false`` of a truth value.
        least: a number that is not less fits; None sets no limit.
        most: a number that is not greater fits; None sets no limit. Where neither is set, no number
            fits.
    """

    name: str
    text: str
    least: float | None = None
    most: float | None = None

    @property
    def bounds(self) -> tuple[float, float] | tuple[None, None]:
        """Between which numbers fit, infinite ones included; None twice where none fits."""
        if self.least is None and self.most is None:
            return None, None
        return (-inf if self.least is None else self.least), (
            inf if self.most is None else self.most
        )

    def fits(self, value: Any) -> bool:
        """Whether the value of an attribute fits; None stands for one that is not there."""
        if isinstance(value, bool):
            return self.text == str(value).lower()
        if isinstance(value, int | float):
            least, most = self.bounds
            return least is not None and most is not None and least <= value <= most
        return isinstance(value, str) and value == self.text


def parse_condition(text: str) -> Condition:
    """The condition that a text states.

    Raises:
        ValueError: it is none; the message says how one is written.
    """
    if not _CONDITION.fullmatch(text):
        raise ValueError(
            "this is no condition: write the attribute's name, a colon and a value or a range, "
            "such as gender:female or age:20-40"
        )
    name, _, value = text.partition(":")
    return condition_on(name, value)


def condition_on(name: str, value: str) -> Condition:
    """The condition that an attribute has a value, or lies in a range; ends may be swapped."""
    if _WHOLE.fullmatch(value):
        return Condition(name, value, float(value), float(value))
    ends = _RANGE.fullmatch(value)
    if not ends or (ends[1] is None and ends[3] is None):
        return Condition(name, value)
    least, most = (None if end is None else float(end) for end in (ends[1], ends[3]))
    if least is not None and most is not None and least > most:
        least, most = most, least
    return Condition(name, value, least, most)
