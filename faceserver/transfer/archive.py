"""Reads an archive of ours; what it yields is checked, so that hostile ones yield errors."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import IO, Self, TypeVar

import numpy as np
from pydantic import BaseModel, ValidationError

from faceserver.errors import InvalidArchive
from faceserver.pictures.zips import ZipReader
from faceserver.store.faces import check_embedding
from faceserver.transfer.format import (
    MANIFEST,
    CollectionEntry,
    ExemplarLine,
    FaceLine,
    Manifest,
    MergeLine,
    SubjectLine,
    vectors_header,
)
from faceserver.types import Floats

_MAX_LINE = 16_000_000
_MAX_SMALL = 100_000_000
MAX_PICTURE = 1_000_000_000
"""No JPEG of the most pixels that can be decoded is larger."""

_Line = TypeVar("_Line", bound=BaseModel)


class ArchiveReader:
    """An archive.

    Attributes:
        manifest: what it says that it holds.
    """

    def __init__(self, path: Path) -> None:
        """Open it, and hold its list of files against its manifest.

        Raises:
            InvalidArchive: it is none, or it is damaged, or hostile.
        """
        self.path = path
        self._zip = ZipReader(path)
        try:
            self._zip.refuse_flaws()
            self.manifest = self._manifest()
            self._check_names()
        except BaseException:
            self._zip.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._zip.close()

    def contract(self, entry: CollectionEntry) -> str | None:
        """The ``model.toml`` that came with a collection.

        Raises:
            InvalidArchive: it is no text.
        """
        if not entry.contract:
            return None
        try:
            return self._zip.read(entry.member("model.toml"), max_bytes=_MAX_SMALL).decode()
        except UnicodeDecodeError as error:
            raise self._bad("a model's description is not text") from error

    def subjects(self, entry: CollectionEntry) -> Iterator[SubjectLine]:
        """The people of a collection.

        Raises:
            InvalidArchive: a line is none, or there are more or fewer than the manifest says.
        """
        return self._lines(entry.member("subjects.jsonl"), SubjectLine, entry.subjects)

    def merges(self, entry: CollectionEntry) -> Iterator[MergeLine]:
        """The merges of a collection that could be undone, the oldest first.

        Raises:
            InvalidArchive: a line is none, or there are more or fewer than the manifest says.
        """
        if not entry.merges:
            return iter(())
        return self._lines(entry.member("merges.jsonl"), MergeLine, entry.merges)

    def exemplars(self, entry: CollectionEntry) -> Iterator[ExemplarLine]:
        """What is remembered beside the faces of a collection.

        Raises:
            InvalidArchive: a line or its vector is none, or there are more or fewer than the
                manifest says.
        """
        if not entry.exemplars:
            return
        member = entry.member("exemplars.jsonl")
        for line in self._lines(member, ExemplarLine, entry.exemplars):
            try:
                check_embedding(np.array(line.vector, np.float32), dims=entry.dims)
            except ValueError as error:
                raise self._bad(f"the vector of {line.id}: {error}") from error
            yield line

    def faces(self, entry: CollectionEntry) -> Iterator[tuple[FaceLine, Floats]]:
        """The faces of a collection, each with its vector: float32, shape (dims,).

        Raises:
            InvalidArchive: a line or a vector is none, or there are more or fewer than the manifest
                says.
        """
        with self._zip.open(entry.member("vectors.npy")) as file:
            self._check_header(file, entry)
            for line in self._lines(entry.member("faces.jsonl"), FaceLine, entry.faces):
                data = file.read(4 * entry.dims)
                if len(data) != 4 * entry.dims:
                    raise self._bad(f"{file.name} ends too early")
                yield line, self._vector(data, line.id)
            if file.read(1):
                raise self._bad(f"{file.name} is too long")

    def pictures(self) -> Iterator[str]:
        """The file names of the pictures, each checked to be the one that its name says.

        Raises:
            InvalidArchive: one is another.
        """
        for member in self._zip.names():
            if member.startswith("pictures/"):
                name = member.removeprefix("pictures/")
                with self._zip.open(member) as file:
                    digest = sha256()
                    while part := file.read(1 << 20):
                        digest.update(part)
                if f"{digest.hexdigest()}.jpg" != name:
                    raise self._bad(f"{member} does not match its name")
                yield name

    def picture(self, name: str) -> bytes:
        """A picture's bytes."""
        return self._zip.read(f"pictures/{name}", max_bytes=MAX_PICTURE)

    def _manifest(self) -> Manifest:
        data = self._zip.read(MANIFEST, max_bytes=_MAX_SMALL)
        try:
            return Manifest.model_validate_json(data)
        except ValidationError as error:
            raise self._bad(f"its {MANIFEST} is not that of an archive: {_first(error)}") from error

    def _check_names(self) -> None:
        names = set(self._zip.names())
        pictures = {name for name in names if name.startswith("pictures/")}
        expected = {MANIFEST}
        for entry in self.manifest.collections:
            expected |= {entry.member(f"{part}.jsonl") for part in ("subjects", "faces")}
            expected |= {entry.member("vectors.npy")}
            expected |= {entry.member("model.toml")} if entry.contract else set()
            expected |= {entry.member("merges.jsonl")} if entry.merges else set()
            expected |= {entry.member("exemplars.jsonl")} if entry.exemplars else set()
        for name in sorted(expected - names):
            raise self._bad(f"{name} is missing")
        for name in sorted(names - pictures - expected):
            raise self._bad(f"{name!r} does not belong there")
        if len({entry.name for entry in self.manifest.collections}) < len(
            self.manifest.collections
        ):
            raise self._bad("two of its collections have the same name")
        if len(pictures) != self.manifest.pictures:
            raise self._bad(f"it holds {len(pictures)} pictures, not {self.manifest.pictures}")

    def _check_header(self, file: IO[bytes], entry: CollectionEntry) -> None:
        expected = vectors_header(entry.faces, entry.dims)
        if file.read(len(expected)) != expected:
            raise self._bad(f"{file.name} is no array, or not the one that the manifest tells of")

    def _vector(self, data: bytes, face_id: str) -> Floats:
        vector = np.frombuffer(data, "<f4").astype(np.float32)
        try:
            check_embedding(vector, dims=len(vector))
        except ValueError as error:
            raise self._bad(f"the vector of {face_id}: {error}") from error
        return vector

    def _lines(self, member: str, kind: type[_Line], count: int) -> Iterator[_Line]:
        with self._zip.open(member) as file:
            number = 0
            while line := file.readline(_MAX_LINE):
                number += 1
                try:
                    yield kind.model_validate_json(line)
                except ValidationError as error:
                    raise self._bad(f"{member}, line {number}: {_first(error)}") from error
        if number != count:
            raise self._bad(f"{member} has {number} lines, not {count}")

    def _bad(self, what: str) -> InvalidArchive:
        return InvalidArchive(f"{self.path}: {what}")


def _first(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, problem["loc"]))
    return f"{place}: {problem['msg']}" if place else str(problem["msg"])
