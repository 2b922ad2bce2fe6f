"""Tensors out of files of ``torch.save``, without torch, and without executing anything.

Such a file is a zip: a pickle that describes objects, and the tensors' numbers beside it. A pickle
is a program that can call whatever it names, so it is never given to :mod:`pickle`: its steps are
read here, and only those that a tensor is described with are known. What is named is never
imported; it stays a name, and of the names only those that make tensors mean anything.
"""

import pickletools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from zipfile import is_zipfile

import numpy as np

from faceserver.errors import InvalidArchive
from faceserver.pictures.zips import ZipReader
from faceserver.types import Floats

MAX_NUMBERS = 16_000_000
"""Of one tensor."""

_MAX_PICKLE = 1_000_000
_MAX_BYTES = 8 * MAX_NUMBERS
_MAX_SHAPE = 8
_TYPES = {
    "torch FloatStorage": "f4",
    "torch DoubleStorage": "f8",
    "torch HalfStorage": "f2",
    "torch BFloat16Storage": "u2",
}
_REBUILD = "torch._utils _rebuild_tensor_v2"
_PARAMETER = "torch._utils _rebuild_parameter"
_DICTIONARY = "collections OrderedDict"
_VALUES = {"BINUNICODE", "SHORT_BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1"}
_MARK = object()


@dataclass(frozen=True)
class _Name:
    """Something that the pickle names; it is not looked for."""

    text: str


@dataclass(frozen=True)
class _Storage:
    """Where the numbers of tensors are: an entry of the zip, and what they are."""

    kind: str
    key: str


@dataclass(frozen=True)
class _Tensor:
    """Which numbers of a storage make a tensor."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_tensors(path: Path) -> list[Floats]:
    """The tensors of a file: the one that was saved, or those in the list or dictionary that was.

    Returns:
        float32, each of the shape that it was saved with.

    Raises:
        InvalidArchive: it is no such file, is damaged, or holds what is no tensor of floats.
    """
    if path.is_file() and not is_zipfile(path):
        raise InvalidArchive(
            f"{path} is not a zip file, which torch has written since version 1.6: save it "
            "again, or as .npy"
        )
    with ZipReader(path) as archive:
        pickles = [name for name in archive.names() if name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise InvalidArchive(f"{path} is not a torch.save file")
        folder = pickles[0].removesuffix("data.pkl")
        described = _described(archive.read(pickles[0], max_bytes=_MAX_PICKLE), path)
        order = "<"
        if f"{folder}byteorder" in archive.names():
            order = ">" if archive.head(f"{folder}byteorder", 3) == b"big" else "<"
        tensors = list(_flat(described))
        if not tensors:
            raise InvalidArchive(f"{path} holds no tensor")
        return [_numbers(archive, folder, tensor, order) for tensor in tensors]


def _flat(described: object) -> Iterator[_Tensor]:
    """The tensors in lists and dictionaries, each of which is looked at once."""
    left, seen = [described], set[int]()
    while left:
        item = left.pop()
        if isinstance(item, _Tensor):
            yield item
            continue
        if id(item) in seen:
            raise InvalidArchive("the saved object contains itself, or something twice")
        seen.add(id(item))
        if isinstance(item, dict):
            left += list(item.values())[::-1]
        elif isinstance(item, list | tuple):
            left += list(item)[::-1]
        else:
            raise InvalidArchive("the saved object is not a tensor")


def _numbers(archive: ZipReader, folder: str, tensor: _Tensor, order: str) -> Floats:
    kind = np.dtype(order + _TYPES[tensor.storage.kind])
    data = archive.read(f"{folder}data/{tensor.storage.key}", max_bytes=_MAX_BYTES)
    stored = np.frombuffer(data[: len(data) // kind.itemsize * kind.itemsize], kind)
    last = tensor.offset + sum(
        (size - 1) * stride for size, stride in zip(tensor.shape, tensor.strides, strict=True)
    )
    if prod(tensor.shape) > 0 and last >= len(stored):
        raise InvalidArchive("a tensor is larger than its stored data")
    steps = tuple(stride * kind.itemsize for stride in tensor.strides)
    begun = stored[tensor.offset :]
    # Within the bounds that were checked just now.
    seen = np.lib.stride_tricks.as_strided(begun, tensor.shape, steps, writeable=False)
    if tensor.storage.kind == "torch BFloat16Storage":  # the upper half of a float32
        return (seen.astype(np.uint32) << 16).view(np.float32)
    return seen.astype(np.float32)


def _described(pickle: bytes, path: Path) -> object:
    try:
        return _Machine().run(pickle)
    except InvalidArchive:
        raise
    except (ValueError, IndexError, KeyError, TypeError, RecursionError) as error:
        raise InvalidArchive(f"{path} is not a torch.save file, or is damaged") from error


class _Machine:
    """Follows the steps of a pickle as far as tensors need them; whatever else comes is refused."""

    def __init__(self) -> None:
        self._stack: list[object] = []
        self._memo: dict[int, object] = {}
        self._steps: dict[str, Callable[[], object]] = {
            "EMPTY_DICT": dict,
            "EMPTY_LIST": list,
            "EMPTY_TUPLE": tuple,
            "NONE": lambda: None,
            "NEWTRUE": lambda: True,
            "NEWFALSE": lambda: False,
            "MARK": lambda: _MARK,
            "TUPLE": lambda: tuple(self._to_mark()),
            "TUPLE1": lambda: self._last(1),
            "TUPLE2": lambda: self._last(2),
            "TUPLE3": lambda: self._last(3),
            "STACK_GLOBAL": self._name,
            "BINPERSID": self._storage,
            "REDUCE": self._made,
            "APPEND": lambda: self._extended(self._last(1)),
            "APPENDS": lambda: self._extended(self._to_mark()),
            "SETITEM": lambda: self._filled(self._last(2)),
            "SETITEMS": lambda: self._filled(self._to_mark()),
            "BUILD": self._without_state,
        }

    def run(self, pickle: bytes) -> object:
        """What the pickle describes."""
        for step, argument, _ in pickletools.genops(pickle):
            name = step.name
            if name == "STOP":
                return self._stack.pop()
            if name in {"PROTO", "FRAME"}:
                continue
            if name == "MEMOIZE":
                self._memo[len(self._memo)] = self._stack[-1]
            elif name in {"BINPUT", "LONG_BINPUT"}:
                self._memo[int(argument or 0)] = self._stack[-1]
            elif name in {"BINGET", "LONG_BINGET"}:
                self._stack.append(self._memo[int(argument or 0)])
            elif name in _VALUES:
                self._stack.append(argument)
            elif name == "GLOBAL":
                self._stack.append(_Name(str(argument)))
            elif name in self._steps:
                self._stack.append(self._steps[name]())
            else:
                raise InvalidArchive(f"the step {name} describes no tensor")
        raise InvalidArchive("the description of the tensors is truncated")

    def _to_mark(self) -> list[object]:
        found: list[object] = []
        while (item := self._stack.pop()) is not _MARK:
            found.append(item)
        return found[::-1]

    def _last(self, count: int) -> tuple[object, ...]:
        found = tuple(self._stack[-count:])
        if len(found) < count:
            raise InvalidArchive("the description of the tensors is damaged")
        del self._stack[-count:]
        return found

    def _name(self) -> _Name:
        module, name = self._last(2)
        return _Name(f"{module} {name}")

    def _storage(self) -> _Storage:
        _, kind, key, *_rest = _as_tuple(self._stack.pop())
        if not isinstance(kind, _Name) or kind.text not in _TYPES or not isinstance(key, str):
            raise InvalidArchive("only tensors of floats are supported")
        return _Storage(kind.text, key)

    def _made(self) -> object:
        name, arguments = self._last(2)
        told = name.text if isinstance(name, _Name) else ""
        if told == _DICTIONARY and arguments == ():
            return {}
        if told == _PARAMETER:
            return _as_tuple(arguments)[0]
        if told == _REBUILD:
            storage, offset, shape, strides, *_rest = _as_tuple(arguments)
            return _tensor(storage, offset, shape, strides)
        raise InvalidArchive(f"it names {told or 'something'!r}, which is not a tensor")

    def _extended(self, items: Sequence[object]) -> object:
        held = self._stack.pop()
        if not isinstance(held, list):
            raise InvalidArchive("the description of the tensors is damaged")
        held.extend(items)
        return held

    def _filled(self, items: Sequence[object]) -> object:
        held = self._stack.pop()
        if not isinstance(held, dict):
            raise InvalidArchive("the description of the tensors is damaged")
        held.update(zip(items[::2], items[1::2], strict=True))
        return held

    def _without_state(self) -> object:
        held, _ = self._last(2)
        return held


def _as_tuple(value: object) -> tuple[object, ...]:
    if not isinstance(value, tuple):
        raise InvalidArchive("the description of the tensors is damaged")
    return value


def _tensor(storage: object, offset: object, shape: object, strides: object) -> _Tensor:
    sizes, steps = _as_tuple(shape), _as_tuple(strides)
    numbers = (offset, *sizes, *steps)
    if not isinstance(storage, _Storage) or len(sizes) != len(steps):
        raise InvalidArchive("the description of a tensor is damaged")
    whole = [number for number in numbers if type(number) is int and 0 <= number <= MAX_NUMBERS]
    if len(whole) != len(numbers):
        raise InvalidArchive("the description of a tensor is damaged, or it is too large")
    first, rest = whole[0], whole[1:]
    if len(sizes) > _MAX_SHAPE or prod(rest[: len(sizes)]) > MAX_NUMBERS:
        raise InvalidArchive("a tensor is too large")
    return _Tensor(storage, first, tuple(rest[: len(sizes)]), tuple(rest[len(sizes) :]))
