"""The stored pictures: bytes by name, in a folder or wherever else; nobody outside sees a path."""

from faceserver.store.pictures.base import (
    Pictures,
    is_picture_name,
    is_thumbnail_name,
    picture_name,
    thumbnail_name,
)
from faceserver.store.pictures.files import PictureFolder
from faceserver.store.pictures.kept import Keep, PictureStore
from faceserver.store.pictures.places import PlaceOptions, open_pictures

__all__ = [
    "Keep",
    "PictureFolder",
    "PictureStore",
    "Pictures",
    "PlaceOptions",
    "is_picture_name",
    "is_thumbnail_name",
    "open_pictures",
    "picture_name",
    "thumbnail_name",
]
