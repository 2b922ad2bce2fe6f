"""The names by which users say how a network's pixels were normalized when it was trained."""

from collections.abc import Mapping

from faceserver.errors import InvalidRequest
from faceserver.models.spec import FixedNormalization, Normalization, WhiteningNormalization

WHITEN = "whiten"

NORMALIZATIONS: Mapping[str, FixedNormalization] = {
    "none": FixedNormalization(kind="fixed", mean=0, scale=1),
    "unit": FixedNormalization(kind="fixed", mean=0, scale=1 / 255),
    "signed": FixedNormalization(kind="fixed", mean=127.5, scale=1 / 127.5),
    "signed128": FixedNormalization(kind="fixed", mean=127.5, scale=1 / 128),
    "imagenet": FixedNormalization(
        kind="fixed",
        mean=(123.675, 116.28, 103.53),
        scale=(1 / 58.395, 1 / 57.12, 1 / 57.375),
    ),
}
"""Those of fixed numbers by name: pixels become (x - mean) * scale."""

NAMES = (*NORMALIZATIONS, WHITEN)

EXPLAINED = (
    "none, unit (x/255), signed ((x-127.5)/127.5), signed128 ((x-127.5)/128), imagenet, "
    "whiten ((x-mean)/std of each picture), or MEAN,SCALE, with one number or three of each"
)

_OLD_NAMES = {"fixed": "signed128"}


def normalization_of(text: str) -> Normalization:
    """Return what a user's words stand for: a name, MEAN,SCALE, or three means and three scales.

    Raises:
        InvalidRequest: they stand for nothing.
    """
    name = _OLD_NAMES.get(text, text)
    if name == WHITEN:
        return WhiteningNormalization(kind="whiten")
    if name in NORMALIZATIONS:
        return NORMALIZATIONS[name]
    try:
        numbers = [float(number) for number in text.split(",")]
    except ValueError:
        numbers = []
    half = len(numbers) // 2
    if len(numbers) not in (2, 6) or 0 in numbers[half:] or not _finite(numbers):
        raise InvalidRequest(f"{text!r} is not a normalization: {', '.join(NAMES)}, or MEAN,SCALE")
    if half == 1:
        return FixedNormalization(kind="fixed", mean=numbers[0], scale=numbers[1])
    (a, b, c), (d, e, f) = numbers[:3], numbers[3:]
    return FixedNormalization(kind="fixed", mean=(a, b, c), scale=(d, e, f))


def in_words(how: Normalization) -> str:
    """Say what happens to the pixels, as a formula."""
    if isinstance(how, WhiteningNormalization):
        return "(x - mean) / max(deviation, 1/sqrt(n)) of each picture"
    if (how.mean, how.scale) == (0, 1):
        return "pixels as they are"
    return f"(x - {_numbers(how.mean)}) * {_numbers(how.scale)}"


def _numbers(value: float | tuple[float, ...]) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(f'{each:g}' for each in value)})"
    return f"{value:g}"


def _finite(numbers: list[float]) -> bool:
    return all(abs(number) < float("inf") for number in numbers)
