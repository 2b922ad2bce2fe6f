"""Tells whether an ONNX file was made from the Caffe files beside it, as the server does."""

from faceserver.models.files import fingerprint, is_made_from, sha256_of

__all__ = ["fingerprint", "is_made_from", "sha256_of"]
