"""A backup of all that was taught: a line of JSON for each example, after one that says so."""

import json
from collections.abc import Iterable, Iterator

from faceserver.errors import InvalidRequest
from faceserver.services.taught import Example
from faceserver.web.compat.bodies import parsed_object
from faceserver.web.compat.facebox import faceprints, inputs
from faceserver.web.compat.facebox.faceprints import Faceprint

_HEAD = {"format": "facebox state", "version": 1}
_LINE_BYTES = 131_072


def lines(examples: Iterable[Example], model: str) -> Iterator[bytes]:
    """A state's bytes."""
    yield json.dumps(_HEAD).encode() + b"\n"
    for example in examples:
        told = {
            "id": example.id,
            "name": example.name,
            "faceprint": faceprints.encoded(model, example.embedding),
        }
        yield json.dumps(told).encode() + b"\n"


def parsed(data: bytes) -> tuple[list[Example], str]:
    """What a state holds, and the model that its vectors are of.

    Raises:
        InvalidRequest: it is no state, or is damaged.
        InvalidEmbedding: a faceprint in it is none.
    """
    head, *rest = data.splitlines() or [b""]
    if len(head) > _LINE_BYTES or parsed_object(head) != _HEAD:
        raise InvalidRequest("this is not a state file of this server")
    examples: list[Example] = []
    models: set[str] = set()
    for line in filter(None, rest):
        if len(line) > _LINE_BYTES:
            raise InvalidRequest("the state is damaged")
        told = parsed_object(line)
        found: Faceprint = faceprints.decoded(told.get("faceprint"))
        models.add(found.model)
        examples.append(Example(inputs.text(told, "id"), inputs.text(told, "name"), found.vector))
    if len(models) > 1:
        raise InvalidRequest("the state holds faceprints of several models")
    return examples, next(iter(models), "")
