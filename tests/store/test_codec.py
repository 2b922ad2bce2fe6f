"""A face written down and read again; what attributes may hold."""

import json
from typing import Any

import pytest

from faceserver.store.codec import MAX_ATTRIBUTES, checked_attributes, face_of, plain
from faceserver.store.faces import accept
from faceserver.types import NOWHERE
from tests.store.samples import DIMS, new_face, people

TOLD: dict[str, Any] = {
    "quality": 0.1 + 0.2,
    "pose": {"yaw": -12.5, "roll": 0.0},
    "landmarks": [[1.5, 2], [3, 4]],
    "glasses": True,
    "gender": "π",
    "age": None,
}


def test_a_face_comes_back_from_its_json_as_it_was() -> None:
    (face,) = accept([new_face(people(1)[0], tags=("a",), attributes=TOLD)], dims=DIMS)
    again = face_of(json.loads(json.dumps(plain(face))), face.embedding)
    assert {**vars(again), "embedding": 0} == {**vars(face), "embedding": 0}
    assert again.attributes == TOLD


def test_attributes_are_the_store_s_own_and_tuples_are_lists() -> None:
    told = {"points": [(1.0, 2.0)]}
    (face,) = accept([new_face(people(1)[0], attributes=told)], dims=DIMS)
    told["points"].append((3.0, 4.0))
    assert face.attributes == {"points": [[1.0, 2.0]]}


@pytest.mark.parametrize(
    "told",
    [
        {"": 1},
        {"Pose": 1},
        {"a b": 1},
        {"a" * 65: 1},
        {1: 1},
        {"a": float("nan")},
        {"a": {"b": [float("inf")]}},
        {"a": object()},
        {"a": b"x"},
        {"a": "x" * MAX_ATTRIBUTES},
    ],
)
def test_what_no_attribute_can_be_is_refused(told: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="attributes"):
        checked_attributes(told)
    with pytest.raises(ValueError, match="attributes"):
        accept([new_face(people(1)[0], attributes=told)], dims=DIMS)


def test_damaged_values_keep_no_face_away() -> None:
    (face,) = accept([new_face(people(1)[0], attributes={"a": 1})], dims=DIMS)
    values = plain(face) | {"box": "none", "attributes": {"a": float("nan")}}
    again = face_of(values, face.embedding)
    assert (again.detection, again.attributes, again.id) == (NOWHERE, {}, face.id)
