"""Pictures as objects: each whole or not there, under a key that follows from its content."""

import shutil
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from hashlib import sha256
from tempfile import SpooledTemporaryFile
from typing import IO, Any, TypeVar, cast

from faceserver.errors import NotFound, StoreError, StoreMismatch, StoreUnavailable
from faceserver.layout import GALLERY_ID
from faceserver.runtime.retrying import Retries
from faceserver.store.pictures.base import (
    Pictures,
    is_picture_name,
    is_stored_name,
    picture_name,
    share_bytes,
)
from faceserver.store.pictures.s3.bucket import AlreadyThere, Bucket
from faceserver.store.results import Link

Result = TypeVar("Result")

_IN_MEMORY = 4 << 20
"""Bytes of a picture that is sent on from memory; a larger one lies in a temporary file."""

_AT_ONCE = 16
"""Objects that are asked for at the same time."""

_ONE_DELETE = 1000
"""Objects that one call deletes at most."""

_LINK_SECONDS = 60


class S3Pictures:
    """The pictures of a bucket; see :class:`~faceserver.store.pictures.base.Pictures`."""

    def __init__(
        self, bucket: Bucket, gallery: Callable[[], str], *, retries: Retries | None = None
    ) -> None:
        """Take what is needed; nothing is asked until it is used.

        Args:
            bucket: where they are.
            gallery: the id of the gallery that they belong to.
            retries: how often a server that does not answer is asked again.
        """
        self._bucket = bucket
        self._gallery = gallery
        self._retries = retries or Retries()

    def prepare(self) -> None:
        """Leave the gallery's id, or see that it is there; see :meth:`.base.Pictures.prepare`."""
        mine = self._gallery()
        owner = self._call(self._left_id, mine)
        if owner != mine:
            raise StoreMismatch(
                f"{self._bucket} contains the pictures of another gallery, which would be removed: "
                "set another prefix in FACESERVER_PICTURES. Where this gallery takes the "
                f"place of that one, write {owner} into the file {GALLERY_ID} of the data folder"
            )

    def save(self, jpeg: bytes) -> str:
        """Store a picture; see :meth:`.base.Pictures.save`."""
        name = picture_name(jpeg)
        self._call(self._put, name, jpeg)
        return name

    def put(self, name: str, content: bytes) -> None:
        """Store a thumbnail; see :meth:`.base.Pictures.put`."""
        self._call(self._bucket.call, "put_object", name, Body=content, ContentType="image/webp")

    def open(self, name: str) -> IO[bytes]:
        """A picture as a stream, which is fetched completely: so nobody is sent half of one.

        See :meth:`.base.Pictures.open`.
        """
        if not is_stored_name(name):
            raise NotFound(f"there is no picture {name!r}")
        return self._call(self._fetched, name)

    def delete(self, names: Iterable[str]) -> int:
        """Delete pictures; see :meth:`.base.Pictures.delete`.

        S3 does not tell which were there, so that is asked first.
        """
        wanted = list(dict.fromkeys(filter(is_stored_name, names)))
        if not wanted:
            return 0
        with ThreadPoolExecutor(min(_AT_ONCE, len(wanted))) as pool:
            sizes = list(pool.map(lambda name: self._call(self._size, name), wanted))
        present = [name for name, size in zip(wanted, sizes, strict=True) if size is not None]
        for start in range(0, len(present), _ONE_DELETE):
            self._call(self._delete, present[start : start + _ONE_DELETE])
        return len(present)

    def names(self) -> Iterator[str]:
        """The names of all pictures and thumbnails, in no order."""
        after: dict[str, str] = {}
        while True:
            page = self._call(
                self._bucket.call, "list_objects_v2", Prefix=self._bucket.prefix, **after
            )
            keys = (item["Key"] for item in page.get("Contents", ()))
            yield from filter(
                is_stored_name, (key.removeprefix(self._bucket.prefix) for key in keys)
            )
            if not page.get("IsTruncated"):
                return
            after = {"ContinuationToken": page["NextContinuationToken"]}

    def place(self, name: str) -> str:
        """The URL of a picture, to be shown; see :meth:`.base.Pictures.place`."""
        if not is_picture_name(name) or self._call(self._size, name) is None:
            raise NotFound(f"there is no picture {name!r}")
        return f"{self._bucket}/{name}"

    def link(self, name: str) -> Link | None:
        """A signed URL, good for a minute, if it is wanted; see :meth:`.base.Pictures.link`."""
        if not is_picture_name(name):
            return None
        url = self._bucket.signed(name, _LINK_SECONDS)
        return Link(url) if url else None

    def share(self, name: str, other: Pictures) -> bool:
        """Give another place a copy; see :meth:`.base.Pictures.share`."""
        return share_bytes(self, name, other)

    def strays(self) -> list[str]:
        """Nothing: what else lies in a bucket is not ours to judge."""
        return []

    def remains(self) -> Sequence[str]:
        """Where something of a deleted picture may be left: the bucket is asked for versioning."""
        others = "replicas and backups of the bucket"
        try:
            versioning = self._call(self._bucket.call, "get_bucket_versioning").get("Status")
        except (NotFound, StoreError):  # its key need not allow that
            return ("earlier versions of pictures, if the bucket keeps them", others)
        if versioning:  # also where it was suspended
            return (f"earlier versions of pictures: {self._bucket} has versioning", others)
        return (others,)

    def delete_stray(self, name: str) -> None:
        """Delete nothing; see :meth:`strays`."""

    def _call(self, act: Callable[..., Result], *given: Any, **named: Any) -> Result:
        return self._retries.run(lambda: act(*given, **named), StoreUnavailable)

    def _put(self, name: str, jpeg: bytes) -> None:
        """Write a picture unless it is there; one that is not whole is written over."""
        written = {
            "Body": jpeg,
            "ContentType": "image/jpeg",
            "ChecksumSHA256": b64encode(sha256(jpeg).digest()).decode(),
        }
        try:
            self._bucket.call("put_object", name, IfNoneMatch="*", **written)
        except AlreadyThere:
            if self._size(name) != len(jpeg):
                self._bucket.call("put_object", name, **written)

    def _fetched(self, name: str) -> IO[bytes]:
        try:
            answer = self._bucket.call("get_object", name)
        except NotFound as error:
            raise NotFound(f"there is no picture {name!r}") from error
        stream = cast("IO[bytes]", SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115 - the caller's
        try:
            with self._bucket.errors(), closing(answer["Body"]) as body:
                shutil.copyfileobj(body, stream)
            stream.seek(0)
        except BaseException:
            stream.close()
            raise
        return stream

    def _size(self, name: str) -> int | None:
        """Bytes of a picture; None where it is not there."""
        try:
            return int(self._bucket.call("head_object", name)["ContentLength"])
        except NotFound:
            return None

    def _delete(self, names: list[str]) -> None:
        keys = [{"Key": f"{self._bucket.prefix}{name}"} for name in names]
        answer = self._bucket.call("delete_objects", Delete={"Objects": keys, "Quiet": True})
        for failure in answer.get("Errors", ()):
            raise StoreUnavailable(f"{self._bucket} did not delete: {failure.get('Message')}")

    def _left_id(self, mine: str) -> str:
        """The id of the gallery that the bucket belongs to; the first to come leaves its own."""
        try:
            self._bucket.call("put_object", GALLERY_ID, Body=mine.encode(), IfNoneMatch="*")
        except AlreadyThere:
            answer = self._bucket.call("get_object", GALLERY_ID)
            with self._bucket.errors(), closing(answer["Body"]) as body:
                return bytes(body.read()).decode("ascii", "replace").strip()
        return mine
