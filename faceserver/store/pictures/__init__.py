"""The stored pictures: bytes by name, in a folder or wherever else; nobody outside sees a path."""

from faceserver.store.pictures.base import Pictures, is_picture_name, picture_name
from faceserver.store.pictures.files import PictureFolder
from faceserver.store.pictures.kept import Keep, PictureStore

__all__ = [
    "Keep",
    "PictureFolder",
    "PictureStore",
    "Pictures",
    "is_picture_name",
    "picture_name",
]
