"""Vectors of a face id server into a collection: a file for each person, named by its number."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from math import prod
from pathlib import Path
from typing import Literal
from uuid import UUID, uuid5

import numpy as np

from faceserver.errors import AlreadyExists, InputError, InvalidArchive, NotFound
from faceserver.services.faces import checked_embedding
from faceserver.services.portraits import unit
from faceserver.store.base import Collection
from faceserver.transfer.files import read_file
from faceserver.transfer.torch_files import read_tensors
from faceserver.types import NOWHERE, Face, Floats

_IDS = UUID("5d0c6f5c-6a1f-4a0c-9d5b-0a6a2f3f7e11")
"""The namespace of the faces' ids, so that the same vector is not stored twice."""

_MOST_VECTORS = 1000
_MAX_BYTES = 64_000_000
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_SUFFIXES = (".pt", ".npy")


@dataclass(frozen=True)
class Imported:
    """What became of a file.

    Attributes:
        file: its name.
        became: ``stored``; ``present`` where all of its vectors are in; ``refused``.
        vectors: how many it holds; 0 if it was refused.
        reason: why it was refused.
    """

    file: str
    became: Literal["stored", "present", "refused"]
    vectors: int = 0
    reason: str = ""


def files_in(folder: Path) -> list[Path]:
    """The files of a folder that may hold vectors, by name; hidden ones are passed over."""
    found = [path for path in folder.iterdir() if path.suffix in _SUFFIXES and path.is_file()]
    return sorted(path for path in found if not path.name.startswith("."))


def import_files(collection: Collection, files: Sequence[Path]) -> Iterator[Imported]:
    """Store the vectors of files, each file as a whole, as those of the person of its name.

    What stands for the person beside stays. What is in already is passed over, so that an
    interrupted import goes on where it was.

    Raises:
        StoreFull: no space left on the device; what was yielded is in.
    """
    for path in files:
        try:
            yield _import(collection, path)
        except (InputError, AlreadyExists) as error:
            yield Imported(path.name, "refused", reason=str(error))


def read_vectors(path: Path) -> list[Floats]:
    """The vectors of a ``.pt`` or ``.npy`` file, each of shape (dims,).

    Raises:
        InvalidArchive: it is no such file, is damaged, or holds something else.
    """
    arrays = read_tensors(path) if path.suffix == ".pt" else [_read_npy(path)]
    rows = [row for array in arrays if array.size for row in array.reshape(-1, _width(array))]
    if not 1 <= len(rows) <= _MOST_VECTORS:
        raise InvalidArchive(f"it holds {len(rows)} vectors; 1 to {_MOST_VECTORS} are accepted")
    return rows


def _width(array: Floats) -> int:
    return int(array.shape[-1]) if array.ndim else 1


def _import(collection: Collection, path: Path) -> Imported:
    vectors = [
        checked_embedding(collection, unit(row.tolist()), model=collection.model)
        for row in read_vectors(path)
    ]
    name = path.stem
    by_id = {_id(collection, name, vector): vector for vector in vectors}
    new = {id_: vector for id_, vector in by_id.items() if not _is_in(collection, id_)}
    if not new:
        return Imported(path.name, "present", len(vectors))
    subject = collection.subject_named(name) or collection.add_subject(name)
    collection.add(
        [
            Face(vector, NOWHERE, None, path.name, subject=subject.id, id=id_)
            for id_, vector in new.items()
        ]
    )
    return Imported(path.name, "stored", len(vectors))


def _id(collection: Collection, name: str, vector: Floats) -> str:
    digest = sha256(vector.tobytes()).hexdigest()
    return uuid5(_IDS, f"{collection.name}\0{name}\0{digest}").hex


def _is_in(collection: Collection, face_id: str) -> bool:
    try:
        collection.get(face_id)
    except NotFound:
        return False
    return True


def _read_npy(path: Path) -> Floats:
    """The array of a file of numpy; objects, which are pickles, are refused."""
    data = read_file(path, max_bytes=_MAX_BYTES)
    file = BytesIO(data)
    try:
        read = _HEADERS.get(np.lib.format.read_magic(file))
        if read is None:
            raise InvalidArchive("its version of numpy's format is not supported")
        shape, _, dtype = read(file)
        size = prod(shape) * dtype.itemsize
        if dtype.kind != "f" or size != len(data) - file.tell():
            raise InvalidArchive("it does not contain floats, or is truncated")
        file.seek(0)
        array: Floats = np.load(file, allow_pickle=False).astype(np.float32)
    except (ValueError, EOFError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise InvalidArchive("it is not a .npy file, or is damaged") from error
    return array
