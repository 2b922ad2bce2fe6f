"""What an import leaves out without trying it, and why: nothing is passed over without a word."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from faceserver.pictures.kinds import PICTURES, kind_of

UNREADABLE = "unreadable"
LINKED = "linked folder"
SPECIAL = "special file"
HIDDEN = "hidden"
SYSTEM = "system"
TRASH = "trash"
EMPTY = "empty"
SIDECAR = "sidecar"
JSON = "JSON sidecar"
UNKNOWN = "unknown"

_TOLD = {
    HIDDEN: ("hidden file", "hidden files"),
    SYSTEM: ("file of a system or a cache", "files of a system or a cache"),
    TRASH: ("file in a trash folder", "files in a trash folder"),
    EMPTY: ("empty file", "empty files"),
    UNKNOWN: ("file of an unknown kind", "files of an unknown kind"),
    LINKED: ("linked folder", "linked folders"),
    SPECIAL: ("special file", "special files"),
    UNREADABLE: ("unreadable", "unreadable"),
    "text": ("text", "texts"),
    "audio": ("sound", "sounds"),
    "zip": ("zip inside", "zips inside"),
    "archive": ("archive inside", "archives inside"),
    "pdf": ("PDF", "PDFs"),
}
"""One, and several; the others take an s."""

_PICTURE_ENDINGS = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".jfi", ".jif", ".mpo", ".png", ".apng", ".gif"),
        *(".bmp", ".dib", ".tif", ".tiff", ".webp", ".heic", ".heics", ".heif", ".heifs", ".hif"),
        *(".avif", ".avifs", ".jxl"),
    }
)
"""What is called so is given to the decoder whatever it holds, so that damage is told as such."""

_SIDECARS = frozenset({".xmp", ".aae", ".pp3", ".dop", ".cos", ".on1", ".nfo"})
"""What programs write beside a picture about it."""

_TRASH_FOLDERS = frozenset(
    {
        *(
            ".trash",
            ".trashes",
            "#recycle",
            "$recycle.bin",
            "recycler",
            "recycled",
            "@recycle",
            "@recently-snapshot",
        ),
        *("trash", "papierkorb", "corbeille", "lost+found", "found.000"),
    }
)
_SYSTEM_FOLDERS = frozenset(
    {
        *(
            "@eadir",
            "__macosx",
            ".@__thumb",
            "@__thumb",
            ".thumbnails",
            "#snapshot",
            "@tmp",
            "thumbnails",
        ),
        *("system volume information", "resource.frk", "picasaoriginals", "lrtemporary"),
        *("@tmp", "thumbnails", "network trash folder", "temporary items"),
    }
)
_SYSTEM_FOLDER_ENDINGS = (".lrdata", ".cocatalogdb", ".dtmaster", ".lrcat-data")
"""Lightroom's and Capture One's caches: previews of pictures that lie elsewhere."""

_SYSTEM_FILES = frozenset(
    {
        *(
            ".ds_store",
            "thumbs.db",
            "thumbs.db:encryptable",
            "ehthumbs.db",
            "ehthumbs_vista.db",
            "desktop.ini",
        ),
        *("icon\r", "iconcache.db", "digikam4.db", "thumbnails-digikam.db", "recognition.db"),
        *("similarity.db", "picasa.ini", "zbthumbnail.info", "synofile_thumb.db"),
    }
)


@dataclass(frozen=True)
class LeftOut:
    """A file that is not tried.

    Attributes:
        name: as a picture there would be called.
        reason: the word under which it is counted.
        detail: more of it, where there is more.
    """

    name: str
    reason: str
    detail: str = ""

    @property
    def is_fault(self) -> bool:
        """Whether it could have been a picture: it was not to be read."""
        return self.reason == UNREADABLE


def by_place(parts: Sequence[str]) -> str | None:
    """Why a file is left out for where it lies or what it is called, None if it is not.

    Args:
        parts: the folders on the way to it, and its name.
    """
    *folders, name = (part.lower() for part in parts)
    reasons = [reason for folder in folders if (reason := _folder(folder)) is not None]
    if reasons:
        return reasons[0]
    if name in _SYSTEM_FILES:
        return SYSTEM
    return HIDDEN if _is_hidden(name) else None


def _folder(name: str) -> str | None:
    if name in _TRASH_FOLDERS or name.startswith(".trash-"):
        return TRASH
    if name in _SYSTEM_FOLDERS or name.endswith(_SYSTEM_FOLDER_ENDINGS):
        return SYSTEM
    return HIDDEN if _is_hidden(name) else None


def is_called_picture(name: str) -> bool:
    """Whether a file's ending says that it is a picture."""
    return PurePosixPath(name).suffix.lower() in _PICTURE_ENDINGS


def by_content(name: str, head: bytes) -> str | None:
    """Why a file is left out for what it holds, None if it is to be tried.

    Args:
        name: its name; it says what kind of text it is.
        head: its first bytes.
    """
    kind = kind_of(head)
    if kind in PICTURES:
        return None
    ending = PurePosixPath(name).suffix.lower()
    if ending in _SIDECARS:
        return SIDECAR
    if not head:
        return EMPTY
    return JSON if kind == "text" and ending == ".json" else kind or UNKNOWN


def told(left_out: Iterable[LeftOut]) -> str:
    """How many there are of each reason, the most first: ``12 videos, 3 hidden files``."""
    counts = Counter(item.reason for item in left_out)
    return ", ".join(f"{count} {_word(reason, count)}" for reason, count in counts.most_common())


def _word(reason: str, count: int) -> str:
    one, several = _TOLD.get(reason, (reason, f"{reason}s"))
    return one if count == 1 else several


def _is_hidden(part: str) -> bool:
    return part.startswith(".") and part not in {".", ".."}
