"""A model's files: whether they are there, whole, and made from each other; and how to add some."""

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from faceserver.errors import AlreadyExists, InvalidRequest, ModelError
from faceserver.models.spec import NetworkFiles, Spec, load_any_spec

_HEAD_BYTES = 1024  # a model begins with its few descriptive fields; the graph follows


@dataclass(frozen=True)
class FoundModel:
    """A model in the models' folder.

    Attributes:
        name: its folder's path inside the models' folder, by which settings name it.
        spec: its description.
    """

    name: str
    spec: Spec

    @property
    def is_built(self) -> bool:
        """Whether all of its files are there."""
        return all(path.exists() for files in self.spec.networks.values() for path in files.paths)


def find_models(models: Path) -> list[FoundModel]:
    """Return all models below a folder, by name.

    Raises:
        ModelError: a description cannot be read.
    """
    folders = sorted(path.parent for path in models.rglob("model.toml"))
    return [
        FoundModel(folder.relative_to(models).as_posix(), load_any_spec(folder))
        for folder in folders
    ]


def problems(spec: Spec) -> Iterator[str]:
    """Say what is wrong with a model's files; nothing where all is well."""
    for files in spec.networks.values():
        missing = [path for path in files.paths if not path.exists()]
        yield from (f"{path.name} is missing" for path in missing)
        if not missing:
            yield from _differences(files)


def _differences(files: NetworkFiles) -> Iterator[str]:
    """Say which of a network's files, which are all there, are others than they should be."""
    for path in files.paths:
        expected = files.sha256.get(path.name)
        if expected is None:
            continue
        found = sha256_of(path)
        if found != expected:
            yield f"{path.name} has the sha256 {found}, not {expected}"
    built = files.built
    if built and not is_made_from(built.onnx, built.prototxt, built.caffemodel):
        yield f"{built.onnx.name} was not made from the Caffe files beside it"


def add_model(source: Path, models: Path, name: str) -> FoundModel:
    """Copy a converted model into the models' folder, whole or not at all.

    Args:
        source: holds a ``model.toml`` and the files that it names.
        models: the models' folder.
        name: the new folder's path in it.

    Raises:
        InvalidRequest: the name leads out of the models' folder.
        AlreadyExists: there is a model of that name.
        ModelError: the description or a file is missing or damaged.
    """
    target = models / name
    if models.resolve() not in target.resolve().parents:
        raise InvalidRequest(f"{name!r} is not the name of a folder inside {models}")
    if target.exists():
        raise AlreadyExists(f"a model {name!r} already exists")
    spec = load_any_spec(source)
    wrong = list(problems(spec))
    if wrong:
        raise ModelError(f"{source}: {'; '.join(wrong)}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=target.parent, prefix=".") as staging:
            new = Path(staging) / "model"
            new.mkdir()
            for path in _files(source, spec):
                if path.resolve().parent != source.resolve():
                    raise ModelError(f"{source}: {path} must lie in the model's folder itself")
                shutil.copy(path, new / path.name)
            new.rename(target)
    except OSError as error:
        raise ModelError(f"{target} cannot be written: {error.strerror}") from error
    return FoundModel(name, load_any_spec(target))


def _files(folder: Path, spec: Spec) -> Iterator[Path]:
    yield folder / "model.toml"
    for files in spec.networks.values():
        yield from files.paths


def fingerprint(prototxt: Path, caffemodel: Path) -> str:
    """Return a digest of a network's Caffe files, which the ONNX file made from them bears."""
    digests = [sha256_of(path) for path in (prototxt, caffemodel)]
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def is_made_from(onnx: Path, prototxt: Path, caffemodel: Path) -> bool:
    """Tell whether the ONNX file bears the fingerprint of these Caffe files."""
    if not onnx.exists():
        return False
    with onnx.open("rb") as file:
        return fingerprint(prototxt, caffemodel).encode() in file.read(_HEAD_BYTES)


def sha256_of(path: Path) -> str:
    """Return a file's sha256, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
