"""Which folder on the way to a picture names its person.

The first one does, below the folders that hold all pictures. Google Takeout packs everyone's folder
into two of its own, whose names follow the account's language, and beside the albums that somebody
named lie albums of a year, which are nobody.
"""

import re
from collections.abc import Sequence

Way = Sequence[str]
"""The folders on the way to a picture, and its name."""

_TAKEOUT = re.compile(r"takeout(?:[ _-][\w-]+)?", re.IGNORECASE)
_GOOGLE_PHOTOS = re.compile(r"google[\s\xa0]+\S+|\S+[\s\xa0]+google", re.IGNORECASE)
"""In any language the product keeps the company's name, before or behind its own."""

_YEAR = r"(?:1[89]|20)\d\d"
_YEARS_PICTURES = re.compile(
    rf"(?:photos?|fotos?|bilder|billeder|foton|foto's|zdjęcia|fotky|kuvat|фото\w*|fotoğraflar)"
    rf"(?:\s+\S+)?\s+{_YEAR}|{_YEAR}\s*(?:年|년)?\s*(?:の|的)?\s*(?:写真|照片|相片|사진)"
    rf"|{_YEAR}(?:\s+\S+)?\s+(?:fotoğraflar\w*|fényképe\w*|fotók|fotod)",
    re.IGNORECASE,
)
"""Such as ``Photos from 2021``, ``Fotos von 2021``, ``2021 年的照片``."""

_TAKEOUTS_OWN = frozenset(
    {"archive", "archiv", "archives", "archivio", "archivo", "arquivo", "failed videos", "untitled"}
)
_NO_LETTER = re.compile(r"[\W\d_]*")


def without_wrapping(ways: Sequence[Way], *, packed: bool) -> tuple[list[Way], bool]:
    """Take off the folders that hold all pictures.

    Args:
        ways: of all pictures.
        packed: a zip holds them: where all of it lies in one folder with folders in it, the people
            are below that one, and so on. A folder is taken as it was given, but for a Takeout's.

    Returns:
        The ways from there, and whether they are a Takeout's.
    """
    depths = [_depth_of_takeout(way) for way in ways]
    takeout = bool(depths) and all(depths)
    inner = [way[depth:] for way, depth in zip(ways, depths, strict=True)]
    if not inner or not (packed or takeout):
        return inner, takeout
    shared = _shared([way[:-1] for way in inner])
    depth = max(min(len(shared), min(map(len, inner)) - 2), 0)
    while depth and all(_NO_LETTER.fullmatch(way[depth]) for way in inner):
        depth -= 1  # a year or a day is nobody
    return [way[depth:] for way in inner], takeout


def person_of(way: Way, *, takeout: bool) -> str | None:
    """The person whom the first folder on a way names, None if none does.

    Args:
        way: from :func:`without_wrapping`.
        takeout: likewise.
    """
    if len(way) < 2:
        return None
    name = way[0].strip()
    if _YEARS_PICTURES.fullmatch(name):
        return None
    if takeout and (name.lower() in _TAKEOUTS_OWN or _NO_LETTER.fullmatch(name)):
        return None
    return way[0]  # as it is: whether it can be a name is not decided here


def _shared(ways: Sequence[Way]) -> Way:
    """The folders that all ways begin with."""
    if not ways:
        return ()
    first, last = min(map(tuple, ways)), max(map(tuple, ways))
    count = 0
    while count < min(len(first), len(last)) and first[count] == last[count]:
        count += 1
    return first[:count]


def _depth_of_takeout(way: Way) -> int:
    """How many of the first folders are those of a Takeout, 0 if none is."""
    folders = way[:-1]
    depth = int(bool(folders) and _TAKEOUT.fullmatch(folders[0].strip()) is not None)
    if len(folders) > depth and _GOOGLE_PHOTOS.fullmatch(folders[depth].strip()):
        depth += 1
    return depth
