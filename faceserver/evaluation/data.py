"""Labelled photographs: a list of pairs, a folder a person, or LFW's pairs with its folders."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from faceserver.errors import InvalidArchive
from faceserver.evaluation.photographs import SUFFIXES

_LABELS = {"same": True, "different": False, "1": True, "0": False}


class Pair(NamedTuple):
    """Two photographs by their places in a set, and whether they show one person.

    Attributes:
        a: place of the one.
        b: place of the other.
        same: whether both show the same person.
        fold: which tenth of the pairs it belongs to, where the set says so.
    """

    a: int
    b: int
    same: bool
    fold: int = 0


@dataclass(frozen=True)
class LabelledSet:
    """Photographs and what is known of them.

    Attributes:
        name: what reports call it.
        photographs: each once.
        people: whom each photograph shows, by a number; empty where pairs say it.
        pairs: the only pairs to be compared; empty where all of the people's photographs are.
        groups: photographs in which all faces are of different people, beside those above.
        central: the person of a photograph is the one in the middle, as in LFW, where others stand
            behind; otherwise the one with the largest face.
        part_of: the set that its pairs are a part of, where they are one of its groups.
    """

    name: str
    photographs: tuple[Path, ...]
    people: tuple[int, ...] = ()
    pairs: tuple[Pair, ...] = ()
    groups: tuple[Path, ...] = ()
    central: bool = False
    part_of: str | None = None

    @property
    def all_photographs(self) -> tuple[Path, ...]:
        """Those of single people, then those of groups."""
        return (*self.photographs, *self.groups)


def read_sets(path: Path, *, root: Path | None = None, central: bool = False) -> list[LabelledSet]:
    """The labelled photographs behind a path.

    Args:
        path: a folder with a subfolder for each person, whose photographs directly in the folder
            show groups of different people; or a CSV without a heading, of two paths, ``same`` or
            ``different`` and, if wanted, a group's name in each line: then a set of all pairs and
            one for each group; or LFW's ``pairs.txt``.
        root: what the paths of a list are relative to, its own folder unless it is given; of LFW's
            list the folder with a subfolder for each person, ``lfw`` beside it unless it is given.
        central: see :class:`LabelledSet`; of LFW's list it is known.

    Raises:
        InvalidArchive: it is none of these, or a line of it is at fault.
    """
    if path.is_dir():
        found = [_of_folder(path)]
    elif _is_lfw(text := _text(path)):
        found = [_of_lfw(path, text, root or path.parent / "lfw")]
    else:
        found = _of_csv(path, text, root or path.parent)
    return [replace(each, central=each.central or central) for each in found]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArchive(f"{path} cannot be read as a list: {error}") from error


def _of_folder(folder: Path) -> LabelledSet:
    people = [path for path in sorted(folder.iterdir()) if path.is_dir()]
    found = [(path, number) for number, person in enumerate(people) for path in _pictures(person)]
    return LabelledSet(
        name=folder.resolve().name,
        photographs=tuple(path for path, _ in found),
        people=tuple(number for _, number in found),
        groups=tuple(_pictures(folder)),
    )


def _pictures(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES]


def _of_csv(path: Path, text: str, root: Path) -> list[LabelledSet]:
    every: list[tuple[Path, Path, bool, int]] = []
    groups: dict[str, list[tuple[Path, Path, bool, int]]] = {}
    try:
        lines = list(csv.reader(text.splitlines(), strict=True))
    except csv.Error as error:
        raise InvalidArchive(f"{path} cannot be read as a list: {error}") from error
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        parts = [part.strip() for part in line]
        if len(parts) not in (3, 4) or parts[2].lower() not in _LABELS:
            raise InvalidArchive(
                f"{path}, line {number}: two paths and 'same' or 'different' are expected"
            )
        row = (root / parts[0], root / parts[1], _LABELS[parts[2].lower()], 0)
        every.append(row)
        if len(parts) == 4 and parts[3]:
            groups.setdefault(parts[3], []).append(row)
    if not every:
        raise InvalidArchive(f"{path} contains no pairs")
    whole = _of_pairs(path.stem, every)
    return [
        whole,
        *(
            replace(_of_pairs(f"{whole.name}: {name}", found), part_of=whole.name)
            for name, found in groups.items()
        ),
    ]


def _of_pairs(
    name: str, rows: Sequence[tuple[Path, Path, bool, int]], *, central: bool = False
) -> LabelledSet:
    paths = dict.fromkeys(path for a, b, _, _ in rows for path in (a, b))
    place = {path: number for number, path in enumerate(paths)}
    pairs = tuple(Pair(place[a], place[b], same, fold) for a, b, same, fold in rows)
    return LabelledSet(name=name, photographs=tuple(paths), pairs=pairs, central=central)


def _is_lfw(text: str) -> bool:
    """LFW's list begins with a number of folds and of pairs, or with the latter alone."""
    first = text.split("\n", 1)[0].split()
    return bool(first) and len(first) <= 2 and all(part.isdigit() for part in first)


def _of_lfw(path: Path, text: str, root: Path) -> LabelledSet:
    first, *lines = [line.split() for line in text.splitlines() if line.strip()]
    folds, each = (int(first[0]), int(first[1])) if len(first) == 2 else (1, int(first[0]))
    if len(lines) != 2 * folds * each:
        raise InvalidArchive(
            f"{path} announces {2 * folds * each} pairs and holds {len(lines)} lines"
        )
    rows = [
        (*_lfw_pair(path, line, root), number // (2 * each)) for number, line in enumerate(lines)
    ]
    return _of_pairs(path.stem, rows, central=True)


def _lfw_pair(path: Path, line: Sequence[str], root: Path) -> tuple[Path, Path, bool]:
    match line:
        case [name, a, b] if a.isdigit() and b.isdigit():
            return _lfw_picture(root, name, a), _lfw_picture(root, name, b), True
        case [name, a, other, b] if a.isdigit() and b.isdigit():
            return _lfw_picture(root, name, a), _lfw_picture(root, other, b), False
    raise InvalidArchive(f"{path}: {' '.join(line)!r} is not a pair")


def _lfw_picture(root: Path, name: str, number: str) -> Path:
    usual = root / name / f"{name}_{int(number):04d}.jpg"
    if usual.exists():
        return usual
    others = (usual.with_suffix(suffix) for suffix in sorted(SUFFIXES))
    return next((path for path in others if path.exists()), usual)
