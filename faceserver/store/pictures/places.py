"""Where the pictures of a gallery can be kept: in its data folder, or at a place with a URL."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from faceserver.models.registry import Registry
from faceserver.store.pictures.base import Pictures
from faceserver.store.pictures.files import PictureFolder

places = Registry("place for pictures")
places.add("s3", "faceserver.store.pictures.s3:open_bucket")


@dataclass(frozen=True)
class PlaceOptions:
    """Where pictures are kept, as the settings say.

    Attributes:
        url: of the place, such as ``s3://bucket/prefix``; its scheme is a name in :data:`places`.
        endpoint: address of the server that offers it, where the URL does not say so.
        region: of that server.
        public: address by which clients reach that server; None where they are not to.
        gallery: gives the id of the gallery whose pictures they are; None for the one that is kept
            in the data folder.
    """

    url: str
    endpoint: str | None = None
    region: str | None = None
    public: str | None = None
    gallery: Callable[[], str] | None = None


def open_pictures(data_folder: Path, options: PlaceOptions | None = None) -> Pictures:
    """The place where a gallery's pictures are kept; nothing is made or asked yet.

    Args:
        data_folder: of the gallery.
        options: None for the data folder itself.

    Raises:
        UnknownName: there is no such kind of place.
        LibraryMissing: its library is not installed; the message says how to get it.
        InvalidSetting: the URL does not name a place.
    """
    if options is None:
        return PictureFolder(data_folder)
    make = places.load(urlsplit(options.url).scheme)
    pictures: Pictures = make(data_folder, options)
    return pictures
