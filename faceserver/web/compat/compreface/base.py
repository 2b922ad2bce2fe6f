"""The blueprint that CompreFace's calls stand in, and their addresses."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint

from faceserver.web.compat.compreface.credentials import credentials
from faceserver.web.compat.compreface.errors import render
from faceserver.web.protocol import Protocol, speaks

_ROOT = "/api/v1"

COMPREFACE = Protocol(
    "compreface",
    render,
    credentials,
    key_place="x-api-key: KEY",
    challenge=None,
    prefixes=tuple(
        f"{_ROOT}/{part}/" for part in ("recognition", "detection", "verification", "static")
    ),
)

blueprint = Blueprint("compreface", __name__)
speaks(blueprint, COMPREFACE)

Answer = dict[str, object]
"""JSON."""

View = TypeVar("View", bound=Callable[..., Any])


def route(method: str, address: str) -> Callable[[View], View]:
    """Register a view below ``/api/v1``; a slash behind its address makes no difference."""

    def registered(view: View) -> View:
        endpoint = f"{view.__module__.rpartition('.')[2]}_{view.__name__}"
        blueprint.add_url_rule(
            f"{_ROOT}{address}", endpoint, view, methods=[method], strict_slashes=False
        )
        return view

    return registered
