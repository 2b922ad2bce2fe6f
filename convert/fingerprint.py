"""Tells whether an ONNX file was made from the Caffe files beside it."""

import hashlib
from pathlib import Path

_HEAD_BYTES = 1024  # a model begins with its few descriptive fields; the graph follows


def fingerprint(prototxt: Path, caffemodel: Path) -> str:
    """Return a digest of a network's files."""
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
