"""The table of operations: what each takes, who may call it, and what it does."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Request

from faceserver.access.keys import KeyScope
from faceserver.web.compat.rekognition import inputs
from faceserver.web.compat.rekognition.errors import operation_name, unknown_operation
from faceserver.web.compat.rekognition.inputs import Model
from faceserver.web.compat.rekognition.shapes import Shape
from faceserver.web.guard import auth
from faceserver.web.guard.audit import note_target


@dataclass(frozen=True)
class _Operation:
    takes: type[inputs.Asked]
    scope: KeyScope
    act: Callable[[Any], Shape]


_OPERATIONS: dict[str, _Operation] = {}


def operation(
    name: str, takes: type[Model], scope: KeyScope = "read"
) -> Callable[[Callable[[Model], Shape]], Callable[[Model], Shape]]:
    """Add what answers an operation.

    Args:
        name: Rekognition's.
        takes: its members.
        scope: what its caller must be allowed to do.
    """

    def added(act: Callable[[Model], Shape]) -> Callable[[Model], Shape]:
        _OPERATIONS[name] = _Operation(takes, scope, act)
        return act

    return added


def names() -> list[str]:
    """Every operation that is served, in alphabetical order."""
    return sorted(_OPERATIONS)


def run(request: Request) -> Shape:
    """Do what a request asks for.

    Raises:
        InvalidFields: there is no such operation, or the members are not what it takes.
        NotPermitted: the caller's key allows less, or reaches another collection.
    """
    name = operation_name() or ""
    found = _OPERATIONS.get(name)
    if found is None:
        raise unknown_operation(names())
    note_target(operation=name)
    auth.require_scope(found.scope)
    asked = inputs.parsed(request, found.takes)
    if isinstance(asked, inputs.OfCollection):
        note_target(collection=asked.collection_id)
        auth.require_collection(asked.collection_id)
    return found.act(asked)
