"""The keys, sessions and audit log of one server, and whether it asks for keys at all."""

from dataclasses import dataclass
from ipaddress import ip_address

from faceserver.access.audit import AuditLog
from faceserver.access.keys import KeyStore
from faceserver.access.sessions import Sessions
from faceserver.config import Settings
from faceserver.errors import SetupError
from faceserver.layout import AUDIT


@dataclass(frozen=True)
class Gate:
    """What decides who may come in.

    Attributes:
        keys: of the data folder.
        sessions: of this server.
        audit: where it is written down.
        may_be_open: whether everybody may come in as long as no API key exists.
    """

    keys: KeyStore
    sessions: Sessions
    audit: AuditLog
    may_be_open: bool

    def is_open(self) -> bool:
        """Whether everybody may come in, without a key."""
        return self.may_be_open and not self.keys.any()


def open_gate(settings: Settings) -> Gate:
    """The gate that the settings describe; nothing is read or written yet."""
    return Gate(
        keys=KeyStore(settings.data_dir),
        sessions=Sessions(60 * settings.session_minutes),
        audit=open_audit_log(settings),
        may_be_open=settings.no_auth or _is_private(settings),
    )


def open_audit_log(settings: Settings, *, rotate: bool = True) -> AuditLog:
    """The audit log that the settings describe; only the server may put it aside."""
    return AuditLog(
        settings.audit_log or settings.data_dir / AUDIT,
        max_bytes=settings.audit_max_bytes if rotate else 0,
        files=settings.audit_files,
    )


def refuse_unguarded(settings: Settings) -> None:
    """Refuse to listen beyond this machine with nothing to tell friend from foe.

    Raises:
        SetupError: no API key exists, it can be reached from elsewhere, and ``no_auth`` is not set.
    """
    if settings.no_auth or _is_private(settings) or KeyStore(settings.data_dir).any():
        return
    name = next(iter(settings.host_names), settings.host)
    raise SetupError(
        f"{name} can be reached from other machines, and no API key exists: make one with "
        "`faceserver keys create --name NAME --scope admin`, or let everybody in with --no-auth"
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
