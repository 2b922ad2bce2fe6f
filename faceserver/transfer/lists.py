"""Lists of pictures, as CSV or as JSON lines."""

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from faceserver.api.jobs import JobItem
from faceserver.api.pictures import Credentials
from faceserver.api.urls import tellable
from faceserver.errors import InvalidArchive, InvalidRequest
from faceserver.pictures.fetch import Fetch
from faceserver.services.outcomes import NewPicture
from faceserver.transfer.files import read_file, refused

LISTS = frozenset({".csv", ".jsonl", ".ndjson"})
"""Endings of lists."""

_SECRETS = ("username", "password", "scheme")
_COLUMNS = {"path", "url", "person", "tags", "external_id", *_SECRETS}
_MAX_LINE = 1_000_000


@contextmanager
def open_list(
    path: Path, *, fetch: Fetch, max_bytes: int
) -> Iterator[tuple[Iterator[NewPicture], int]]:
    """Lend the block the pictures of a list, and how many entries it has.

    Args:
        path: a ``.csv``, or JSON lines.
        fetch: returns a URL's bytes.
        max_bytes: largest picture; of a larger one nothing is read.

    Raises:
        InvalidArchive: it cannot be read as what it is called; a single entry that is wrong is
            refused when its turn comes.
    """
    rows = _csv_rows if path.suffix.lower() == ".csv" else _json_rows
    with _list_errors(path):
        count = sum(1 for _ in rows(path))
        yield _of_rows(path, rows(path), fetch, max_bytes), count


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
            raise ValueError("a user name and a password require a url")
        return self


_Parse = Callable[[], _Row]


def _of_rows(
    path: Path, rows: Iterator[_Parse], fetch: Fetch, max_bytes: int
) -> Iterator[NewPicture]:
    for number, parse in enumerate(rows, start=1):
        try:
            row = parse()
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, problem["loc"]))
            reason = f"{place}: {problem['msg']}" if place else str(problem["msg"])
            yield refused(f"entry {number}", InvalidRequest(reason))
            continue
        file = partial(read_file, path.parent / row.path, max_bytes=max_bytes)
        yield NewPicture(
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
                    raise InvalidArchive(f"{path}: entry {number}: a server accepts only URLs")
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
