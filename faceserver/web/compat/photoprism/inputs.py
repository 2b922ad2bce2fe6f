"""What PhotoPrism sends."""

from dataclasses import dataclass

from flask import g, request

from faceserver.errors import InvalidRequest, TooManyItems
from faceserver.web.compat.bodies import base64_bytes, json_object
from faceserver.web.context import backend, services

_MOST_OF_ID = 100


@dataclass(frozen=True)
class Asked:
    """Crops of faces, by the request's id.

    Attributes:
        id: which the answer has again.
        images: each as its bytes; None keeps a place.
    """

    id: str
    images: tuple[bytes | None, ...]


def asked() -> Asked:
    """The crops of the current request.

    Raises:
        InvalidRequest: it has another form, or none.
        TooManyItems: there are too many.
        FetchError: a URL gives none, or must not be asked.
    """
    body = json_object(request)
    found = body.get("id", "")
    g.vision_id = found[:_MOST_OF_ID] if isinstance(found, str) else ""
    images = body.get("images")
    if not isinstance(images, list) or not all(isinstance(image, str) for image in images):
        raise InvalidRequest("'images' must be a list of texts")
    if not images:
        raise InvalidRequest("'images' is empty")
    most = backend().settings.max_files
    if len(images) > most:
        raise TooManyItems(f"{len(images)} images are too many: at most {most}")
    return Asked(g.vision_id, tuple(_bytes(image) if image else None for image in images))


def _bytes(image: str) -> bytes:
    if image.lower().startswith(("http://", "https://")):
        return services().analysis.fetch(image)
    return base64_bytes(image)
