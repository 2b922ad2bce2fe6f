"""From the settings to the gallery, and to the place of its pictures."""

from faceserver.app.models import embedder_spec
from faceserver.config import Settings
from faceserver.store import Options, opening
from faceserver.store.base import Gallery
from faceserver.store.pictures import Pictures, PlaceOptions, open_pictures


def open_gallery(settings: Settings, *, any_model: bool = False) -> Gallery:
    """Open the data folder or the database without loading a model; the caller closes it.

    Args:
        settings: where it is.
        any_model: it may hold faces of another model than the one that is set.

    Raises:
        ModelError: the embedding model's description is missing or at fault.
        StoreError: the data folder, or what holds its pictures, cannot be used.
    """
    spec = embedder_spec(settings)
    return opening.open_gallery(
        settings.store.get_secret_value(),
        settings.data_dir,
        model=spec.name,
        dims=spec.dims,
        options=Options(
            keep=settings.keep_pictures, any_model=any_model, place=picture_place(settings)
        ),
        connections=settings.store_connections,
        replica=settings.read_store.get_secret_value(),
    )


def picture_place(settings: Settings) -> Pictures | None:
    """Where the settings say that pictures are kept; None for the data folder. Nothing is asked.

    Raises:
        LibraryMissing: what it needs is not installed; the message says how to get it.
        InvalidSetting: the settings do not name a place.
    """
    if settings.pictures is None:
        return None
    return open_pictures(
        settings.data_dir,
        PlaceOptions(
            settings.pictures,
            endpoint=settings.s3_endpoint,
            region=settings.s3_region,
            public=settings.s3_public_endpoint,
            gallery=opening.shared_id(settings.store.get_secret_value()),
        ),
    )
