"""Vectors of a face id server: files of torch without torch, and files of numpy."""

import io
import pickle
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from numpy.typing import NDArray

from faceserver.errors import FaceServerError, InvalidArchive
from faceserver.store.base import Collection
from faceserver.store.memory.store import MemoryStore
from faceserver.transfer.face_id import files_in, import_files, read_vectors
from faceserver.transfer.torch_files import read_tensors
from faceserver.types import Filter

VECTOR = np.arange(1, 13, dtype=np.float32)


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def integer(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def whole(values: Sequence[int]) -> bytes:
    return b"(" + b"".join(map(integer, values)) + b"t"


def storage(kind: str = "FloatStorage", key: str = "0", count: int = 12) -> bytes:
    inner = text("storage") + f"ctorch\n{kind}\n".encode() + text(key) + text("cpu")
    return b"(" + inner + integer(count) + b"tQ"


def tensor(
    shape: Sequence[int] = (12,),
    strides: Sequence[int] = (1,),
    offset: int = 0,
    kind: str = "FloatStorage",
    key: str = "0",
) -> bytes:
    """The steps that torch writes for a tensor."""
    hooks = b"ccollections\nOrderedDict\n)R"
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n("
        + storage(kind, key)
        + integer(offset)
        + whole(shape)
        + whole(strides)
        + b"\x89"
        + hooks
        + b"tR"
    )


def saved(
    path: Path, steps: bytes, numbers: bytes = VECTOR.tobytes(), order: str = "little"
) -> Path:
    """A file as torch.save writes it."""
    with ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02" + steps + b".")
        archive.writestr("archive/byteorder", order)
        archive.writestr("archive/data/0", numbers)
        archive.writestr("archive/version", "3\n")
    return path


def test_a_tensor_is_read(tmp_path: Path) -> None:
    (read,) = read_tensors(saved(tmp_path / "1.pt", tensor()))
    assert read.dtype == np.float32
    assert np.array_equal(read, VECTOR)


def test_the_steps_of_torch_2_are_read(tmp_path: Path) -> None:
    steps = (
        b"ctorch._utils\n_rebuild_tensor_v2\nq\x00((X\x07\x00\x00\x00storageq\x01ctorch\n"
        b"FloatStorage\nq\x02X\x01\x00\x00\x000q\x03X\x03\x00\x00\x00cpuq\x04K\x0ctq\x05QK\x00"
        b"K\x0c\x85q\x06K\x01\x85q\x07\x89ccollections\nOrderedDict\nq\x08)Rq\ttq\nRq\x0b"
    )
    assert np.array_equal(read_tensors(saved(tmp_path / "1.pt", steps))[0], VECTOR)


@pytest.mark.parametrize(
    ("shape", "strides", "offset", "expected"),
    [
        ((3, 4), (4, 1), 0, VECTOR.reshape(3, 4)),
        ((4, 3), (1, 4), 0, VECTOR.reshape(3, 4).T),
        ((4,), (1,), 8, VECTOR[8:]),
        ((2, 3), (0, 1), 0, np.array([VECTOR[:3]] * 2)),
        ((), (), 5, VECTOR[5]),
        ((0, 5), (5, 1), 0, np.empty((0, 5))),
    ],
)
def test_views_of_a_storage_are_read(
    tmp_path: Path, shape: Sequence[int], strides: Sequence[int], offset: int, expected: object
) -> None:
    (read,) = read_tensors(saved(tmp_path / "1.pt", tensor(shape, strides, offset)))
    assert np.array_equal(read, np.array(expected))


@pytest.mark.parametrize(
    ("kind", "numbers"),
    [
        ("DoubleStorage", VECTOR.astype("<f8").tobytes()),
        ("HalfStorage", VECTOR.astype("<f2").tobytes()),
        ("BFloat16Storage", (VECTOR.view(np.uint32) >> 16).astype("<u2").tobytes()),
    ],
)
def test_other_floats_are_read(tmp_path: Path, kind: str, numbers: bytes) -> None:
    (read,) = read_tensors(saved(tmp_path / "1.pt", tensor(kind=kind), numbers))
    assert np.array_equal(read, VECTOR)


def test_the_other_byte_order_is_read(tmp_path: Path) -> None:
    path = saved(tmp_path / "1.pt", tensor(), VECTOR.astype(">f4").tobytes(), "big")
    assert np.array_equal(read_tensors(path)[0], VECTOR)


def test_lists_dictionaries_and_parameters_are_read(tmp_path: Path) -> None:
    steps = b"](" + tensor((4,)) + b"}" + text("a") + tensor((5,)) + b"s" + b"e"
    assert [len(read) for read in read_tensors(saved(tmp_path / "1.pt", steps))] == [4, 5]
    hooks = b"ccollections\nOrderedDict\n)R"
    steps = b"ctorch._utils\n_rebuild_parameter\n(" + tensor() + b"\x88" + hooks + b"tR"
    assert len(read_tensors(saved(tmp_path / "2.pt", steps))) == 1


class Trap:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return open, (str(self._path), "w")  # type: ignore[return-value]


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_nothing_is_executed(tmp_path: Path, protocol: int) -> None:
    trap = tmp_path / "sprung"
    steps = pickle.dumps(Trap(trap), protocol)[:-1]
    with pytest.raises(InvalidArchive):
        read_tensors(saved(tmp_path / "1.pt", steps))
    assert not trap.exists()


NESTED = b"]q\x00" + b"(h\x00h\x00h\x00e"


@pytest.mark.parametrize(
    "steps",
    [
        tensor((13,)),
        tensor((4,), (4,)),
        tensor((12,), (1,), 1),
        tensor((-1,)),
        tensor((12,), (-1,), 11),
        tensor((4096, 4096, 4096), (0, 0, 0)),
        tensor((1,) * 9, (1,) * 9),
        tensor((12,), (1, 1)),
        tensor(key="../version"),
        tensor(key="1"),
        tensor(kind="LongStorage"),
        text("words"),
        integer(7),
        b"]",
        NESTED,
        b"cos\nsystem\n(" + text("true") + b"tR",
        b"ctorch._utils\n_rebuild_tensor_v2\n)R",
        b"(" * 20,
        b"h\x07",
        b"R",
        b"\x85",
        tensor() + b"s",
        b"r\xff\xff\xff\xff",
        b"X\xff\xff\xff\xffshort",
        b"\x8a\xff",
    ],
)
def test_what_is_no_tensor_is_refused(tmp_path: Path, steps: bytes) -> None:
    with pytest.raises(InvalidArchive):
        read_tensors(saved(tmp_path / "1.pt", steps))


def test_every_cut_and_every_flipped_byte_is_read_or_refused(tmp_path: Path) -> None:
    steps = tensor()
    for at in range(len(steps)):
        for other in (steps[:at], steps[:at] + bytes([steps[at] ^ 0xFF]) + steps[at + 1 :]):
            try:
                read_tensors(saved(tmp_path / "1.pt", other))
            except InvalidArchive:
                continue


@pytest.mark.parametrize("data", [b"", b"no zip", pickle.dumps([1])])
def test_what_is_no_zip_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "1.pt"
    path.write_bytes(data)
    with pytest.raises(InvalidArchive):
        read_tensors(path)


def npy(path: Path, array: NDArray[np.generic]) -> Path:
    file = io.BytesIO()
    np.save(file, array)
    path.write_bytes(file.getvalue())
    return path


def test_files_of_numpy_are_read(tmp_path: Path) -> None:
    assert [len(row) for row in read_vectors(npy(tmp_path / "a.npy", VECTOR))] == [12]
    (row,) = read_vectors(npy(tmp_path / "b.npy", VECTOR.astype(np.float64)[None]))
    assert np.array_equal(row, VECTOR)
    two = np.asfortranarray(np.array([VECTOR, 2 * VECTOR]))
    assert np.array_equal(read_vectors(npy(tmp_path / "c.npy", two))[1], 2 * VECTOR)


@pytest.mark.parametrize(
    "array", [np.array([1, 2]), np.array(["a"]), np.empty((0, 4)), np.ones((1001, 2))]
)
def test_other_arrays_are_refused(tmp_path: Path, array: NDArray[np.generic]) -> None:
    with pytest.raises(InvalidArchive):
        read_vectors(npy(tmp_path / "a.npy", array))


def test_damaged_and_hostile_files_of_numpy_are_refused(tmp_path: Path) -> None:
    good = npy(tmp_path / "a.npy", VECTOR).read_bytes()
    huge = good.replace(b"(12,)", b"(99999999999,)").replace(b" " * 9, b"", 1)
    objects = io.BytesIO()
    np.save(objects, np.array([Trap(tmp_path / "sprung")], object), allow_pickle=True)
    for data in (b"", good[:40], good[:-1], huge, objects.getvalue(), b"\x93NUMPY\x09\x00"):
        (tmp_path / "b.npy").write_bytes(data)
        with pytest.raises(InvalidArchive):
            read_vectors(tmp_path / "b.npy")
    assert not (tmp_path / "sprung").exists()


@pytest.fixture
def collection() -> Iterator[Collection]:
    with closing(MemoryStore(dims=12, model="facenet")) as store:
        yield store.collection()


def test_a_folder_becomes_people(tmp_path: Path, collection: Collection) -> None:
    saved(tmp_path / "2576.pt", tensor())
    npy(tmp_path / "17.npy", np.array([VECTOR[::-1], VECTOR]))
    npy(tmp_path / "18.npy", VECTOR[:5])
    npy(tmp_path / "19.npy", np.zeros(12, np.float32))
    (tmp_path / "notes.txt").write_text("nothing")
    (tmp_path / ".hidden.pt").write_text("nothing")
    done = {item.file: item for item in import_files(collection, files_in(tmp_path))}
    assert {name: item.became for name, item in done.items()} == {
        "2576.pt": "stored",
        "17.npy": "stored",
        "18.npy": "refused",
        "19.npy": "refused",
    }
    assert "12 numbers" in done["18.npy"].reason
    people = {person.name: person for person in collection.subjects(limit=9).items}
    assert {name: person.faces for name, person in people.items()} == {"2576": 1, "17": 2}
    (face,) = collection.faces(limit=9, only=Filter(subject=people["2576"].id)).items
    assert np.allclose(face.embedding, VECTOR / np.linalg.norm(VECTOR))


def test_an_import_can_be_run_again(tmp_path: Path, collection: Collection) -> None:
    for number in range(3):
        npy(tmp_path / f"{number}.npy", VECTOR + number)
    begun = import_files(collection, files_in(tmp_path))
    next(begun)
    begun.close()  # type: ignore[attr-defined]
    again = [item.became for item in import_files(collection, files_in(tmp_path))]
    assert again == ["present", "stored", "stored"]
    assert collection.count() == 3


def test_errors_are_told_as_ours(tmp_path: Path) -> None:
    with pytest.raises(FaceServerError):
        read_vectors(tmp_path / "missing.npy")
    with pytest.raises(FaceServerError):
        read_vectors(tmp_path / "missing.pt")
