"""The keys, sessions and audit log of one server, and whether it asks for keys at all."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

from faceserver.access.audit import AuditLog
from faceserver.access.base import Audit, Counts, Keys, SessionStore
from faceserver.access.keys import KeyStore
from faceserver.access.sessions import Sessions
from faceserver.config import Settings
from faceserver.errors import InvalidSetting, SetupError
from faceserver.layout import AUDIT

if TYPE_CHECKING:
    from faceserver.runtime.postgres import Postgres

_CONNECTIONS = 5
"""To the database, beside those of the gallery: each request asks for its key."""

_AUDIT_CONNECTIONS = 3

_AUDIT_PATIENCE = 1.0
"""So many seconds an answer waits for a connection for its event, which then goes to the file."""


@dataclass(frozen=True)
class Gate:
    """What decides who may come in.

    Attributes:
        keys: of the data folder, or those that all servers share.
        sessions: of this server, or likewise.
        audit: where it is written down.
        may_be_open: whether everybody may come in as long as no API key exists.
        counts: of requests, where servers share them.
        release: lets go of what they are kept in.
    """

    keys: Keys
    sessions: SessionStore
    audit: Audit
    may_be_open: bool
    counts: Counts | None = None
    release: Callable[[], None] = lambda: None

    def close(self) -> None:
        """Write what is not written yet, and let go of what is held."""
        self.audit.close()
        self.release()

    def is_open(self) -> bool:
        """Whether everybody may come in, without a key."""
        return self.may_be_open and not self.keys.any()


def open_gate(settings: Settings) -> Gate:
    """The gate that the settings describe; nothing is read or written yet."""
    seconds = 60 * settings.session_minutes
    audit, may_be_open = open_audit_log(settings), settings.no_auth or _is_private(settings)
    if not settings.shared_database:
        return Gate(KeyStore(settings.data_dir), Sessions(seconds), audit, may_be_open)
    database = _database(settings)
    from faceserver.access import shared  # noqa: PLC0415 - its library is not always installed

    return Gate(
        shared.SharedKeys(database),
        shared.SharedSessions(database, seconds),
        audit,
        may_be_open,
        shared.SharedCounts(database),
        database.close,
    )


@contextmanager
def open_keys(settings: Settings) -> Iterator[Keys]:
    """Lend the block the keys alone."""
    if not settings.shared_database:
        yield KeyStore(settings.data_dir)
        return
    with closing(_database(settings)) as database:
        from faceserver.access.shared import SharedKeys  # noqa: PLC0415 - likewise

        yield SharedKeys(database)


def open_audit_log(settings: Settings, *, is_server: bool = True) -> Audit:
    """The audit log that the settings describe; the caller closes it.

    Args:
        settings: where it is, and how much of it is kept.
        is_server: only a server removes old events, and cannot wait for long.
    """
    file = AuditLog(
        settings.audit_log or settings.data_dir / AUDIT,
        max_bytes=settings.audit_max_bytes if is_server else 0,
        files=settings.audit_files,
    )
    if not settings.shared_database:
        return file
    database = _database(
        settings,
        connections=_AUDIT_CONNECTIONS,
        patience=_AUDIT_PATIENCE if is_server else None,
    )
    from faceserver.access.shared_audit import SharedAuditLog  # noqa: PLC0415 - likewise

    return SharedAuditLog(
        database,
        file,
        max_bytes=settings.audit_max_bytes * (settings.audit_files + 1) if is_server else 0,
        also_to_file=settings.audit_log is not None,
    )


def refuse_unguarded(settings: Settings) -> None:
    """Refuse to listen beyond this machine with nothing to tell friend from foe.

    Raises:
        SetupError: no API key exists, it can be reached from elsewhere, and ``no_auth`` is not set.
    """
    if settings.no_auth or _is_private(settings):
        return
    with open_keys(settings) as keys:
        if keys.any():
            return
    name = next(iter(settings.host_names), settings.host)
    raise SetupError(
        f"{name} can be reached from other machines, and no API key exists: create one "
        "with `faceserver keys create --name NAME --scope admin`, or allow access without a key "
        "with --no-auth"
    )


def _database(
    settings: Settings, *, connections: int = _CONNECTIONS, patience: float | None = None
) -> "Postgres":
    try:
        from faceserver.runtime.postgres import PATIENCE, Postgres  # noqa: PLC0415 - likewise
    except ModuleNotFoundError as error:
        raise InvalidSetting(
            f"FACESERVER_STORE needs {error.name}, which is not installed: "
            'pip install "faceserver[postgres]"'
        ) from error
    return Postgres(
        settings.shared_database,
        connections=connections,
        wait=False,
        patience=patience or PATIENCE,
    )


def _is_private(settings: Settings) -> bool:
    """Whether nobody from elsewhere comes in: neither directly nor through a proxy."""
    return is_loopback(settings.host) and not (settings.host_names or settings.trusted_proxies)


def is_loopback(host: str) -> bool:
    """Whether a server that listens there can be reached from this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
