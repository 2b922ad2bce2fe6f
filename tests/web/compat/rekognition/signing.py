"""A signer of requests that shares nothing with what checks them, as AWS's documents tell it."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime


def signed(
    pair: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    path: str = "/as/rekognition",
    query: str = "",
    at: datetime | None = None,
    region: str = "eu-central-1",
    service: str = "rekognition",
    day: str | None = None,
) -> dict[str, str]:
    """The headers of a POST with ``X-Amz-Date`` and ``Authorization``; every header is signed.

    Args:
        pair: access key id and secret, with a colon between them.
        headers: as they will be sent, ``Host`` among them.
        body: likewise.
        path: already in its canonical form.
        query: likewise.
        at: the time; now if not given.
        region: of the derived key.
        service: likewise.
        day: likewise; that of the time if not given.
    """
    access_id, _, secret = pair.partition(":")
    time = (at or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
    sent = {**headers, "X-Amz-Date": time}
    lower = sorted((name.lower(), " ".join(value.split())) for name, value in sent.items())
    names = ";".join(name for name, _ in lower)
    canonical = "\n".join(
        [
            *("POST", path, query, *(f"{name}:{value}" for name, value in lower), ""),
            *(names, hashlib.sha256(body).hexdigest()),
        ]
    )
    scope = f"{day or time[:8]}/{region}/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{time}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = b"AWS4" + secret.encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    sent["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={access_id}/{scope}, SignedHeaders={names}, "
        f"Signature={signature}"
    )
    return sent
