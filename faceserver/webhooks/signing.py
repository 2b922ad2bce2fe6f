"""Signatures, as the specification "Standard Webhooks" has them.

``webhook-signature`` is ``v1,`` and the base64 of the HMAC-SHA256 of ``id.timestamp.body``, with
the bytes behind ``whsec_`` in the secret as the key. There are libraries that check it in many
languages.
"""

import base64
import hmac
import secrets
from datetime import datetime

PREFIX = "whsec_"
_KEY_BYTES = 32


def new_secret() -> str:
    """A random secret."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


def headers_of(secret: str, delivery_id: str, body: bytes, now: datetime) -> dict[str, str]:
    """What goes along with a body.

    Args:
        secret: of the webhook.
        delivery_id: the same in each attempt, so that a receiver can tell repetitions.
        body: what is sent.
        now: when; a receiver refuses what was signed long ago.
    """
    timestamp = str(int(now.timestamp()))
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{delivery_id}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    return {
        "Content-Type": "application/json",
        "webhook-id": delivery_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{signature}",
    }
