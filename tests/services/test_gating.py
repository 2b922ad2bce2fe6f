"""Which faces are good enough, and which of a person's are the best."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceserver.errors import LowQuality
from faceserver.services.gating import Requirements, keep_best, sorted_out
from faceserver.store import Collection, open_store
from faceserver.types import NOWHERE, Detection
from faceserver.vision.analyzer import FoundFace
from faceserver.vision.attributes.base import Value
from tests.store.samples import DIMS, MODEL, new_face, people
from tests.support.fakes import detection

FRONTAL = detection(0, 0, 100)
SMALL = detection(0, 0, 20)
# The nose lies where that of a head that is turned to the side does.
TURNED = replace(FRONTAL, points=((30, 35), (70, 35), (78, 55), (35, 80), (65, 80)))
CROP = np.zeros((16, 16, 3), np.uint8)


def judged(
    *faces: tuple[Detection, dict[str, Value]], **needed: float
) -> tuple[list[int], list[str]]:
    found = [FoundFace(place, CROP) for place, _ in faces]
    places, left_out = sorted_out(found, [told for _, told in faces], Requirements(**needed))
    return places, [fault.code for fault in left_out]


def test_each_demand_has_its_own_reason() -> None:
    sharp: dict[str, Value] = {"sharpness": {"value": 0.5}, "quality": {"value": 0.9}}
    dull: dict[str, Value] = {"sharpness": {"value": 0.1}, "quality": {"value": 0.2}}
    for bad, needed, code in (
        ((SMALL, sharp), {"size": 50}, "small"),
        ((TURNED, sharp), {"angle": 30}, "turned"),
        ((FRONTAL, dull), {"sharpness": 0.3}, "blurred"),
        ((FRONTAL, dull), {"quality": 0.3}, "low_quality"),
    ):
        assert judged(bad, (FRONTAL, sharp), **needed) == ([1], [code])
        assert judged(bad, (FRONTAL, sharp)) == ([0, 1], [])


def test_the_limits_themselves_are_good_enough() -> None:
    told: dict[str, Value] = {"sharpness": {"value": 0.3}}
    assert judged((FRONTAL, told), size=100, sharpness=0.3) == ([0], [])


def test_where_nobody_is_good_enough_the_reasons_are_told() -> None:
    with pytest.raises(LowQuality, match=r"20 pixels large, less than 50; .* 0\.1, less than 0\.3"):
        judged(
            (SMALL, {"sharpness": {"value": 0.5}}),
            (FRONTAL, {"sharpness": {"value": 0.1}}),
            size=50,
            sharpness=0.3,
        )


def test_what_must_be_told_to_judge() -> None:
    assert Requirements(size=3, angle=3).attributes() == ()
    assert Requirements(sharpness=0, quality=0.5).attributes() == ("sharpness", "quality")


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[Collection]:
    with closing(open_store(tmp_path, model=MODEL, dims=DIMS)) as store:
        yield store.collection()


def sources(collection: Collection) -> list[str]:
    return [face.source for face in collection.faces(limit=99).items]


def test_the_best_of_a_person_stay(collection: Collection) -> None:
    ann, ben = collection.add_subject("Ann").id, collection.add_subject("Ben").id
    vectors = people(8)
    given: tuple[tuple[str, str, Detection, dict[str, float]], ...] = (
        ("small", ann, SMALL, {}),
        ("large", ann, FRONTAL, {}),
        ("sharp", ann, FRONTAL, {"sharpness": 0.9}),
        ("dull", ann, FRONTAL, {"sharpness": 0.1}),
        ("turned", ann, TURNED, {}),
        ("best", ann, SMALL, {"quality": 0.95}),
        ("embedding", ann, NOWHERE, {}),
        ("of another", ben, SMALL, {}),
    )
    collection.add(
        [
            new_face(vector, name, subject=person, detection=place, attributes=told)
            for vector, (name, person, place, told) in zip(vectors, given, strict=True)
        ]
    )
    assert keep_best(collection, ann, 6) == set()
    assert len(keep_best(collection, ann, 3)) == 3
    assert sources(collection) == ["large", "sharp", "best", "embedding", "of another"]
    keep_best(collection, ann, 1)
    assert sources(collection) == ["best", "embedding", "of another"]


def test_of_equal_ones_the_earlier_stays(collection: Collection) -> None:
    ann = collection.add_subject("Ann").id
    vectors = people(2)
    collection.add([new_face(vectors[0], "first", subject=ann)])
    collection.add([new_face(vectors[1], "second", subject=ann)])
    keep_best(collection, ann, 1)
    assert sources(collection) == ["first"]
