"""A bucket: its address, the client that speaks with it, and what its errors mean to us.

The only code that imports boto3. The key and the secret come from where every program for S3 looks
for them: the environment, the files of ``~/.aws``, or the machine's role.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from faceserver.errors import (
    FaceServerError,
    InvalidSetting,
    LibraryMissing,
    NotFound,
    StoreError,
    StoreFull,
    StoreUnavailable,
)
from faceserver.store.pictures.places import PlaceOptions

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        HTTPClientError,
        IncompleteReadError,
    )
    from botocore.exceptions import (
        ConnectionError as NoConnection,
    )
    from botocore.session import get_session
except ImportError as error:
    raise LibraryMissing('pictures on S3 need boto3: pip install "faceserver[s3]"') from error

_CONNECT_SECONDS = 3
_READ_SECONDS = 20
_CONNECTIONS = 32

_MISSING = {"NoSuchKey", "404"}
_FULL = {"QuotaExceeded", "XMinioStorageFull", "XMinioStorageQuotaExceeded"}
_OVERLOADED = {"SlowDown", "RequestTimeout", "RequestTimeTooSkewed", "ConditionalRequestConflict"}
_PRESENT = {"PreconditionFailed", "412"}


class AlreadyThere(FaceServerError):
    """An object that was to be new is there; for :mod:`.pictures` alone."""

    code = "already_exists"


class Bucket:
    """One bucket, and the prefix in it. Safe to call from several threads at once.

    Attributes:
        name: of the bucket.
        prefix: of every key, empty or with a slash at its end.
    """

    def __init__(self, options: PlaceOptions) -> None:
        """Take the address; connect to nothing yet.

        Raises:
            InvalidSetting: the URL names no bucket.
        """
        url = urlsplit(options.url)
        if not url.netloc or url.query or url.fragment:
            raise InvalidSetting(f"FACESERVER_PICTURES: {options.url!r} is not s3://bucket/prefix")
        prefix = url.path.strip("/")
        self.name = url.netloc
        self.prefix = f"{prefix}/" if prefix else ""
        self._options = options
        self._lock = Lock()

    def __str__(self) -> str:
        """The URL, as people know it."""
        return f"s3://{self.name}/{self.prefix}".rstrip("/")

    def call(self, operation: str, key: str | None = None, **arguments: Any) -> dict[str, Any]:
        """Ask the server once.

        Args:
            operation: of boto3's client, such as ``head_object``.
            key: of the object, without the prefix.
            arguments: of the operation, besides bucket and key.

        Raises:
            NotFound: there is no such object.
            AlreadyThere: it was to be new, and is there.
            StoreUnavailable: the server does not answer, or is overloaded.
            StoreFull: no space left on the device.
            StoreError: it refused.
        """
        named = arguments if key is None else {"Key": f"{self.prefix}{key}", **arguments}
        with self.errors():
            with self._lock:
                act: Callable[..., dict[str, Any]] = getattr(self._client, operation)
            return act(Bucket=self.name, **named)

    def signed(self, key: str, seconds: int) -> str | None:
        """A URL by which a client gets an object for some seconds; None where it is not to."""
        if self._options.public is None:
            return None
        with self.errors():
            with self._lock:
                sign: Callable[..., str] = self._public_client.generate_presigned_url
            return sign(
                "get_object",
                Params={
                    "Bucket": self.name,
                    "Key": f"{self.prefix}{key}",
                    "ResponseContentType": "image/jpeg",
                },
                ExpiresIn=seconds,
            )

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn boto3's errors inside the block into ours; see :meth:`call`."""
        try:
            yield
        except ClientError as error:
            raise self._meant(error) from error
        except (NoConnection, HTTPClientError, IncompleteReadError) as error:
            raise StoreUnavailable(f"{self} does not answer: {error}") from error
        except (BotoCoreError, ValueError) as error:  # no credentials, a wrong address
            raise StoreError(f"{self} cannot be used: {error}") from error

    def _meant(self, error: ClientError) -> FaceServerError:
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code in _MISSING:
            return NotFound(f"{self} has no such object")
        if code in _PRESENT:
            return AlreadyThere(f"{self} has this object")
        if code in _FULL or status == 507:
            return StoreFull(f"{self} is full: {error}")
        if code in _OVERLOADED or status == 429 or status >= 500:
            return StoreUnavailable(f"{self} does not answer: {error}")
        return StoreError(f"{self} cannot be used: {error}")

    @cached_property
    def _client(self) -> Any:
        return self._made(self._options.endpoint)

    @cached_property
    def _public_client(self) -> Any:
        return self._made(self._options.public)

    def _made(self, endpoint: str | None) -> Any:
        session = get_session()
        if endpoint:
            # A server of one's own: the key is never one of a machine's role at Amazon, and asking
            # for that would call 169.254.169.254.
            session.get_component("credential_provider").remove("iam-role")
        return boto3.session.Session(botocore_session=session).client(
            "s3",
            endpoint_url=endpoint,
            region_name=self._options.region,
            config=Config(
                signature_version="s3v4",
                proxies={},  # those of the environment would get the pictures
                # A server of one's own seldom has a name for each bucket.
                s3={"addressing_style": "path" if endpoint else "auto"},
                # What is sent is checked by its SHA-256; others than AWS know no other sums.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=_READ_SECONDS,
                max_pool_connections=_CONNECTIONS,
                retries={"total_max_attempts": 1},  # faceserver's own keep to the request's time
            ),
        )
