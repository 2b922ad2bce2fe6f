"""What a wire protocol brings: the form of its errors, and where its clients put their key.

Each blueprint declares the protocol that it speaks, in one line. What goes wrong in a guard, a view
or in werkzeug is then told as the protocol of the request tells it; so is an unknown address below
one of its prefixes. What belongs to no protocol falls to the app's default.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from flask import Blueprint, Flask, Request, Response, current_app, request
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from faceserver.access.base import Keys
from faceserver.access.keys import Key
from faceserver.api.base import FieldProblem
from faceserver.errors import FaceServerError

_EXTENSION = "faceserver_protocols"

KEY_VARIABLE = "api_key"
"""The variable of an address that holds a key; no log shows it."""


@dataclass(frozen=True)
class Failure:
    """An error that is to be told.

    Attributes:
        status: of HTTP.
        code: stable; see :mod:`faceserver.errors`.
        message: for people.
        fields: of the request that are at fault, if that is known.
        headers: that the answer gets whatever its form.
        error: what failed, where that is an error of ours; protocols may have kinds of their own.
    """

    status: int
    code: str
    message: str
    fields: tuple[FieldProblem, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    error: FaceServerError | None = None


def header_key(request: Request) -> str | None:
    """The key in ``Authorization: Bearer`` or ``X-Api-Key``.

    Other schemes than Bearer are not ours to judge.
    """
    scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    return request.headers.get("X-Api-Key")


def basic_key(request: Request) -> str | None:
    """The password of HTTP basic authentication, whoever the user; else as :func:`header_key`."""
    sent = request.authorization
    if sent is not None and sent.type == "basic" and sent.password:
        return sent.password
    return header_key(request)


@dataclass(frozen=True)
class Protocol:
    """A wire protocol.

    Attributes:
        name: of its folder, of its addresses below ``/as/``, and in the setting.
        render: makes the answer to a request that failed.
        credentials: finds the key in a request; None without one.
        authenticate: finds the key that a request is signed with; it raises NotAuthenticated where
            the signature is bad. None where keys are only shown.
        key_in_body: the key, or what is signed, may be in the body, so that this has to be taken in
            before it is known; of some requests alone where it is a function.
        key_place: where that is, as a message tells it.
        challenge: what ``WWW-Authenticate`` says where a key is needed; None: nothing.
        prefixes: beginnings of addresses that are its alone, such as ``/v1/``.
        headers: that its clients send beside ours, from pages of other sites, too.
    """

    name: str
    render: Callable[[Failure], Response]
    credentials: Callable[[Request], str | None] = header_key
    authenticate: Callable[[Request, Keys], Key | None] | None = None
    key_in_body: bool | Callable[[Request], bool] = False
    key_place: str = "Authorization: Bearer KEY"
    challenge: str | None = 'Bearer realm="faceserver"'
    prefixes: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()


@dataclass
class _Spoken:
    """Which protocol an app speaks where."""

    default: Protocol
    by_blueprint: dict[str, Protocol] = field(default_factory=dict)
    by_prefix: dict[str, Protocol] = field(default_factory=dict)


def register(app: Flask, default: Protocol) -> None:
    """Have an app know protocols, before it gets blueprints that speak them.

    Args:
        app: the app.
        default: what it speaks where no other protocol is declared.
    """
    app.extensions[_EXTENSION] = _Spoken(default)


def speaks(blueprint: Blueprint, protocol: Protocol) -> None:
    """Declare what a blueprint speaks.

    All below the prefix that it is registered with belongs to the protocol; without one, what is
    below the protocol's own prefixes.
    """

    def note(state: BlueprintSetupState) -> None:
        spoken: _Spoken | None = state.app.extensions.get(_EXTENSION)
        if spoken is None:  # an app that serves nothing, and only describes its API
            return
        spoken.by_blueprint[f"{state.name_prefix}.{state.name}".lstrip(".")] = protocol
        mounted_at = state.options.get("url_prefix")
        prefixes = (f"{mounted_at}/",) if mounted_at else protocol.prefixes
        spoken.by_prefix.update(dict.fromkeys(prefixes, protocol))

    blueprint.record(note)


def current() -> Protocol:
    """The protocol of the current request's endpoint; of its address, where that has none."""
    spoken: _Spoken = current_app.extensions[_EXTENSION]
    endpoint = request.endpoint or _endpoint_of_other_methods() or ""
    blueprint = endpoint.rpartition(".")[0]
    if blueprint in spoken.by_blueprint:
        return spoken.by_blueprint[blueprint]
    longest = max(filter(request.path.startswith, spoken.by_prefix), key=len, default=None)
    return spoken.default if longest is None else spoken.by_prefix[longest]


def _endpoint_of_other_methods() -> str | None:
    """What answers at the request's address, though not to its method."""
    error = request.routing_exception
    if not isinstance(error, MethodNotAllowed) or not error.valid_methods:
        return None
    adapter = current_app.create_url_adapter(request)
    if adapter is None:
        return None
    try:
        return str(adapter.match(method=next(iter(error.valid_methods)))[0])
    except HTTPException:
        return None
