"""Compares the whole way from picture to vector with what the source's own program makes."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from faceserver.conversion.checks.judge import unit
from faceserver.conversion.checks.report_inputs import fed, load
from faceserver.conversion.normalizations import NORMALIZATIONS, WHITEN, in_words, normalization_of
from faceserver.errors import ModelError
from faceserver.models.spec import Normalization
from faceserver.types import Floats, Image

LIMIT = 1e-3
"""Programs scale and decode pictures in different ways, so this is wider than a layer's."""

Embed = Callable[[Floats], Floats]
"""From normalized pictures (n, 3, rows, columns) to vectors (n, dims)."""


def check_whole_way(  # noqa: PLR0917
    embed: Embed,
    expected: Path,
    pictures: Sequence[Path],
    size: tuple[int, int],
    normalization: Normalization,
    channels: str,
) -> float:
    """Compare unit vectors of pictures with those that the source's own program made of them.

    Args:
        embed: runs the converted network.
        expected: a .npy or .json file with one vector for each picture.
        pictures: files of faces, as large as the network's input.
        size: rows and columns of the input.
        normalization: as it is to be described.
        channels: likewise.

    Returns:
        The largest difference of any value.

    Raises:
        ModelError: the file cannot be read, or the difference is above the limit; the message says
            which normalization and order of the colours would agree, if one does.
    """
    images = [load(path, size) for path in pictures]
    vectors = _read(expected)
    if not images or len(vectors) != len(images):
        raise ModelError(
            f"{expected} holds {len(vectors)} vectors for {len(images)} pictures: give --picture "
            "for each, in the same order"
        )
    found = _apart(embed, images, normalization, channels, vectors)
    if found <= LIMIT:
        return found
    agreeing = (
        f"{in_words(how)} in {order} agrees: --normalization {name} --channels {order}"
        for name, how, order in _choices()
        if _apart(embed, images, how, order, vectors) <= LIMIT
    )
    hint = next(agreeing, "no normalization that is known here agrees, in rgb or bgr")
    raise ModelError(
        f"the vectors differ from those in {expected} by {found:.1e}, more than {LIMIT:.0e}; {hint}"
    )


def _choices() -> Iterator[tuple[str, Normalization, str]]:
    for name in (*NORMALIZATIONS, WHITEN):
        for order in ("rgb", "bgr"):
            yield name, normalization_of(name), order


def _apart(
    embed: Embed,
    images: Sequence[Image],
    how: Normalization,
    channels: str,
    vectors: Floats,
) -> float:
    made = embed(fed(np.stack(images), how, channels))
    if made.shape != vectors.shape:
        raise ModelError(
            f"the vectors have {vectors.shape[1]} values, the network's {made.shape[1]}"
        )
    apart = float(np.abs(unit({"v": made})["v"] - unit({"v": vectors})["v"]).max())
    return apart if np.isfinite(apart) else float("inf")


def _read(path: Path) -> Floats:
    try:
        if path.suffix == ".json":
            vectors = np.asarray(json.loads(path.read_text(encoding="utf-8")), np.float32)
        else:
            vectors = np.asarray(np.load(path, allow_pickle=False), np.float32)
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(f"{path} cannot be read as vectors: {error}") from error
    if vectors.ndim == 1:
        vectors = vectors[None]
    if vectors.ndim != 2:
        raise ModelError(f"{path} holds {vectors.shape}, not one vector for each picture")
    return vectors
