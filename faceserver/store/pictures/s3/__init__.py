"""Pictures as objects of an S3 bucket."""

from functools import partial
from pathlib import Path

from faceserver.store.pictures.owner import gallery_id
from faceserver.store.pictures.places import PlaceOptions
from faceserver.store.pictures.s3.bucket import Bucket
from faceserver.store.pictures.s3.pictures import S3Pictures


def open_bucket(data_folder: Path, options: PlaceOptions) -> S3Pictures:
    """The pictures of a gallery in a bucket; see :func:`~faceserver.store.pictures.open_pictures`.

    Raises:
        LibraryMissing: boto3 is not installed.
        InvalidSetting: the URL names no bucket.
    """
    return S3Pictures(Bucket(options), options.gallery or partial(gallery_id, data_folder))
