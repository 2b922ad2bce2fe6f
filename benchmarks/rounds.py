"""Those who turn photographs into something take turns, one round over all photographs each."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from benchmarks.contender import Contender, present
from benchmarks.report import Row
from tests.support.photographs import fetch_photographs

LONGEST = 1200

WAYS = {"alone": "a photograph, alone", "together": "a photograph, one a processor"}
"""One after the other, or as many at the same time as there are processors."""

Times = Mapping[tuple[str, str], np.ndarray]
"""Milliseconds a photograph in each round, by who took them and which way."""


def photographs(folders: Sequence[Path]) -> dict[str, np.ndarray]:
    """The tests' photographs and those of the folders, upright, at most 1200 pixels long."""
    paths = list(fetch_photographs().values())
    for folder in folders:
        paths += sorted(path for path in folder.iterdir() if path.suffix in {".jpg", ".png"})
    pictures = {}
    for path in paths:
        with Image.open(path) as opened:
            picture = ImageOps.exif_transpose(opened).convert("RGB")
        picture.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
        pictures[path.name] = np.asarray(picture)
    return pictures


def take_turns(
    names: Mapping[str, bool],
    bases: Sequence[str],
    pictures: Mapping[str, np.ndarray],
    rounds: int,
) -> tuple[list[Row], dict[str, str]]:
    """Measure, and ask each for what it finds.

    Args:
        names: who takes part, and whether in the peers' environment.
        bases: whom the others are compared with.
        pictures: decoded, by name.
        rounds: over all pictures.

    Returns:
        Rows, and what each who is here finds in the pictures, as JSON.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "pictures.npz")
        np.savez(path, **pictures)  # type: ignore[arg-type]
        contenders = [
            Contender(name, "benchmarks.detectors", str(path), is_peer=is_peer)
            for name, is_peer in names.items()
        ]
    here = present(contenders)
    times = {(each.name, how): np.empty(rounds) for each in here for how in WAYS}
    try:
        for turn in range(rounds):
            for how in WAYS:
                for contender in here:
                    times[contender.name, how][turn] = float(contender.ask(how))
        found = {contender.name: contender.ask("faces") for contender in here}
    finally:
        for contender in contenders:
            contender.close()
    rows = [speed_row(each.name, how, times, bases) for how in WAYS for each in here]
    absent = [
        Row("a photograph", each.name, None, "ms", f"absent: {each.absent}")
        for each in contenders
        if each.absent
    ]
    return [*rows, *absent], found


def speed_row(name: str, how: str, times: Times, bases: Sequence[str]) -> Row:
    """Milliseconds, and how many times as fast as those of the bases who were measured."""
    own = times[name, how]
    ratios = [
        f"{np.median(times[base, how] / own):.1f} x {base}"
        for base in bases
        if base != name and (base, how) in times
    ]
    note = "" if name in bases else ", ".join(ratios)
    return Row(WAYS[how], name, float(np.median(own)), "ms", note)
