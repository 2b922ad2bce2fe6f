"""Where pictures come from: folders, zips, and lists of paths or URLs as CSV or JSON lines."""

import csv
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from faceserver.api.jobs import JobItem
from faceserver.api.pictures import Credentials
from faceserver.api.urls import tellable
from faceserver.errors import FileTooLarge, InputError, InvalidArchive, InvalidRequest
from faceserver.pictures.fetch import Fetch
from faceserver.pictures.zips import ZipReader
from faceserver.transfer.pictures import Item

_SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
LISTS = frozenset({".csv", ".jsonl", ".ndjson"})
"""Endings of lists."""

_SECRETS = ("username", "password", "scheme")
_COLUMNS = {"path", "url", "person", "tags", "external_id", *_SECRETS}
_MAX_LINE = 1_000_000


@dataclass(frozen=True)
class Source:
    """Pictures, and how many there are."""

    items: Iterator[Item]
    count: int


@contextmanager
def open_source(
    path: Path, *, fetch: Fetch, max_bytes: int, people: bool = True
) -> Iterator[Source]:
    """Lend the block the pictures of a folder, a zip, a ``.csv`` or a ``.jsonl``.

    Args:
        path: which of these it is, is seen from its ending.
        fetch: returns a URL's bytes.
        max_bytes: largest picture; of a larger one nothing is read.
        people: in folders and zips, the first folder on the way to a picture names its person.

    Raises:
        InvalidArchive: it is none of these, or it cannot be read.
    """
    suffix = path.suffix.lower()
    if path.is_dir():
        files = pictures_below(path)
        read = partial(read_file, max_bytes=max_bytes)
        yield Source(_of_folder(path, files, read, people=people), len(files))
    elif suffix in LISTS:
        rows = _csv_rows if suffix == ".csv" else _json_rows
        with _list_errors(path):
            count = sum(1 for _ in rows(path))
            yield Source(_of_rows(path, rows(path), fetch, max_bytes), count)
    elif suffix == ".zip":
        with ZipReader(path) as archive:
            items = _of_zip(archive, max_bytes, people=people)
            yield Source(iter(items), len(items))
    else:
        hint = ": `faceserver register` takes single pictures" if _is_picture(path.name) else ""
        raise InvalidArchive(f"{path} is no folder, .zip, .csv or .jsonl{hint}")


def pictures_below(folder: Path) -> list[Path]:
    """The files of a folder and all below it that are pictures by their endings."""
    return [path for path in sorted(folder.rglob("*")) if _is_picture(path.name)]


def read_file(path: Path, *, max_bytes: int) -> bytes:
    """A picture's bytes.

    Raises:
        FileTooLarge: there are more than ``max_bytes``.
        InvalidRequest: it is no file, or the system does not let us read it.
    """
    try:
        if not path.is_file():
            raise InvalidRequest("there is no such file")
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise InvalidRequest(f"it cannot be read: {error.strerror or error}") from error
    if len(data) > max_bytes:
        raise FileTooLarge(f"the file has more than {max_bytes} bytes")
    return data


def as_text(path: Path) -> str:
    """A path as text that can be stored, also where its bytes are no UTF-8."""
    return os.fsencode(path).decode(errors="replace")


def _is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in _SUFFIXES


def _person(parts: Sequence[str], *, people: bool) -> str | None:
    return parts[0] if people and len(parts) > 1 else None


def _of_folder(
    folder: Path, files: Sequence[Path], read: Callable[[Path], bytes], *, people: bool
) -> Iterator[Item]:
    for path in files:
        way = path.relative_to(folder)
        person = _person([as_text(Path(part)) for part in way.parts], people=people)
        yield Item(as_text(way), partial(read, path), person)


def _of_zip(archive: ZipReader, max_bytes: int, *, people: bool) -> list[Item]:
    names = [name for name in archive.names() if _is_wanted(name)]
    ways = [name.split("/") for name in names]
    # A zip of one folder holds the people below that one.
    wrapped = len({way[0] for way in ways}) == 1 and all(len(way) > 2 for way in ways)
    items = [
        Item(
            source=_text("/".join(way[wrapped:])),
            load=partial(archive.read, name, max_bytes=max_bytes),
            person=_person([_text(part) for part in way[wrapped:]], people=people),
        )
        for name, way in zip(names, ways, strict=True)
    ]
    flawed = [
        _refused(_text(name), InvalidArchive(flaw))
        for name, flaw in archive.flaws.items()
        if _is_wanted(name)
    ]
    return items + flawed


def _is_wanted(name: str) -> bool:
    return _is_picture(name) and not name.startswith("__MACOSX/")


def _text(name: str) -> str:
    return name.encode(errors="replace").decode()


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = ""
    url: str = ""
    person: str = ""
    tags: tuple[str, ...] = ()
    external_id: str = ""
    auth: Credentials | None = None

    @field_validator("path", "url", "person", "external_id")
    @classmethod
    def _without_blanks(cls, text: str) -> str:
        return text.strip(" ")  # tabs and line breaks are refused, as everywhere

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if bool(self.path) == bool(self.url):
            raise ValueError("a line has either a path or a url")
        if self.auth is not None and not self.url:
            raise ValueError("a user name and a password are for a url")
        return self


_Parse = Callable[[], _Row]


def _of_rows(path: Path, rows: Iterator[_Parse], fetch: Fetch, max_bytes: int) -> Iterator[Item]:
    for number, parse in enumerate(rows, start=1):
        try:
            row = parse()
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, problem["loc"]))
            reason = f"{place}: {problem['msg']}" if place else str(problem["msg"])
            yield _refused(f"entry {number}", InvalidRequest(reason))
            continue
        file = partial(read_file, path.parent / row.path, max_bytes=max_bytes)
        yield Item(
            source=tellable(row.url) or row.path,
            load=partial(fetch, row.url, row.auth) if row.url else file,
            person=row.person or None,
            tags=row.tags,
            external_id=row.external_id or None,
            by_name=bool(row.url),
        )


def _csv_rows(path: Path) -> Iterator[_Parse]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True, restkey="")
        columns = set(reader.fieldnames or ())
        if not columns & {"path", "url"} or columns - _COLUMNS:
            raise InvalidArchive(
                f"{path}: its first line names the columns: path or url, and as you like person, "
                "tags (with ';' between them), external_id, username, password and scheme"
            )
        for record in reader:
            yield partial(_Row.model_validate, _csv_fields(record))


def _csv_fields(record: dict[str, Any]) -> dict[str, Any]:
    fields = {name: value for name, value in record.items() if value is not None}
    tags = fields.get("tags", "").split(";")
    # A password may end in a blank, so that it is not stripped as the other fields are.
    auth = {name: value for name in _SECRETS if (value := fields.pop(name, None))}
    if "username" in auth:
        auth.setdefault("password", "")
    return {
        **fields,
        "tags": [tag.strip(" ") for tag in tags if tag.strip(" ")],
        "auth": auth or None,
    }


def _json_rows(path: Path) -> Iterator[_Parse]:
    with path.open(encoding="utf-8-sig") as file:
        while line := file.readline(_MAX_LINE):
            if line.strip():
                yield partial(_Row.model_validate_json, line)


def listed_urls(path: Path) -> Iterator[JobItem]:
    """The pictures of a ``.csv`` or a ``.jsonl`` of URLs, for a server to fetch.

    Raises:
        InvalidArchive: it cannot be read, or one of its entries is no URL.
    """
    rows = _csv_rows if path.suffix.lower() == ".csv" else _json_rows
    with _list_errors(path):
        for number, parse in enumerate(rows(path), start=1):
            try:
                row = parse()
                if row.path:
                    raise InvalidArchive(f"{path}: entry {number}: a server takes URLs alone")
                yield _job_item(row)
            except ValidationError as error:
                problem = error.errors(include_url=False, include_input=False)[0]
                place = ".".join(map(str, problem["loc"]))
                raise InvalidArchive(f"{path}: entry {number}: {place}: {problem['msg']}") from None


def _job_item(row: _Row) -> JobItem:
    return JobItem(
        url=row.url,
        person=row.person or None,
        tags=row.tags,
        external_id=row.external_id or None,
        auth=row.auth,
    )


@contextmanager
def _list_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (csv.Error, UnicodeDecodeError) as error:
        raise InvalidArchive(f"{path} cannot be read as a list: {error}") from error


def _refused(name: str, error: InputError) -> Item:
    def fail() -> bytes:
        raise error

    return Item(name, fail)
