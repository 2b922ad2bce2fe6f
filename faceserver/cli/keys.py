"""The commands ``faceserver keys``: who may use the server."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, cast

import click

from faceserver.config import Settings, load_settings
from faceserver.errors import FaceServerError

if TYPE_CHECKING:  # loaded where they are used, so that --help answers at once
    from faceserver.access.keys import Key, KeyKind, KeyScope


@click.group()
def keys() -> None:
    """Create, list and revoke API keys, also while the server is running.

    Until the first key is created, anyone on this machine can use a server on loopback, and a
    server on any other address does not start.
    """


@keys.command()
@click.option("--name", required=True, help="Name of the key's holder.")
@click.option(
    "--scope",
    required=True,
    type=click.Choice(["read", "write", "admin"]),
    help="read: view and search; write: also add and change; admin: everything.",
)
@click.option("--collection", help="Restrict the key to one collection.  [default: all]")
@click.option(
    "--compreface",
    "kind",
    flag_value="uuid",
    help="Make a UUID, the only form of a key that CompreFace's clients take.",
)
@click.option(
    "--aws",
    "kind",
    flag_value="pair",
    help="Make an access key id and a secret access key, for clients of Amazon Rekognition. "
    "The secret is stored as it is, because signatures cannot be checked without it.",
)
def create(name: str, scope: str, collection: str | None, kind: str | None) -> None:
    """Create a key and print it; it cannot be shown again."""
    from faceserver.access.guard import open_keys

    settings = load_settings()
    target = {"name": name, "scope": scope, "collection": collection}
    with _audited(settings, "keys create", target), open_keys(settings) as known:
        key, token = known.create(
            name, cast("KeyScope", scope), collection, kind=cast("KeyKind", kind or "own")
        )
    if key.kind == "pair":
        access_id, _, secret = token.partition(":")
        token = f"AWS_ACCESS_KEY_ID={access_id}\nAWS_SECRET_ACCESS_KEY={secret}"
    click.echo(token)
    click.echo(f"This is the key of {key.name!r}. It cannot be shown again.", err=True)


@keys.command(name="list")
def list_keys() -> None:
    """List the keys: id, name, kind, scope, collection, and when created, last used, revoked."""
    from faceserver.access.guard import open_keys

    with open_keys(load_settings()) as known:
        for key in known.all():
            click.echo(_line(key))


@keys.command()
@click.argument("name")
def revoke(name: str) -> None:
    """Revoke the key with this name or id."""
    from faceserver.access.guard import open_keys

    settings = load_settings()
    with _audited(settings, "keys revoke", {"name": name}), open_keys(settings) as known:
        key = known.revoke(name)
    click.echo(f"The key of {key.name!r} ({key.id}) has been revoked.")


_KINDS = {"uuid": "UUID", "pair": "AWS pair"}


def _line(key: "Key") -> str:
    words = [
        key.id,
        key.name,
        *([_KINDS[key.kind]] if key.kind in _KINDS else []),
        key.scope,
        f"collection {key.collection}" if key.collection else "all collections",
        f"created {_day(key.created)}",
        f"last used {_day(key.last_used)}" if key.last_used else "never used",
    ]
    if key.revoked:
        words.append(f"revoked {_day(key.revoked)}")
    return "  ".join(words)


def _day(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M}Z"


@contextmanager
def _audited(settings: Settings, what: str, target: Mapping[str, object]) -> Iterator[None]:
    """Write down what is done in the block, and whether it succeeded."""
    from faceserver.access.audit import Event
    from faceserver.access.guard import open_audit_log

    with closing(open_audit_log(settings, is_server=False)) as audit:
        try:
            yield
        except FaceServerError as error:
            audit.write(Event("command line", what, error.code, target=target))
            raise
        audit.write(Event("command line", what, "ok", target=target))
