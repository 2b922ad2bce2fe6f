"""Prototxt: the layers of a network, in protobuf's text format."""

from pathlib import Path

from google.protobuf import text_format

from faceserver.conversion.caffe.caffe_pb2 import NetParameter
from faceserver.conversion.caffe.upgrade import upgrade
from faceserver.errors import ModelError


def read_prototxt(path: Path) -> NetParameter:
    """Read a network's layers; fields that matter only in training are passed over.

    Raises:
        ModelError: the file is missing or no prototxt.
    """
    try:
        return parse_prototxt(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} is not a prototxt: {error}") from error


def parse_prototxt(text: str) -> NetParameter:
    """Parse a network's layers.

    A network of an older Caffe version comes back in the form of Caffe 1.0.

    Raises:
        text_format.ParseError: the text is not a prototxt.
    """
    net = text_format.Parse(text, NetParameter(), allow_unknown_field=True)
    upgrade(net)
    return net


def format_prototxt(net: NetParameter, comment: str) -> str:
    """Write a network's layers, without weights, under a comment of one or more lines."""
    heading = "".join(f"# {line}\n" for line in comment.splitlines())
    return heading + text_format.MessageToString(net)
