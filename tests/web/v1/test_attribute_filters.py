"""Faces are listed and searched by what was told of them when they were stored."""

import io
from collections.abc import Sequence

import pytest
from flask.testing import FlaskClient

from faceserver.api.faces import SearchFilter
from faceserver.client import ApiError, Client
from faceserver.lifecycle import Services
from faceserver.types import Detection, Image
from faceserver.vision.attributes.base import Cut, Value
from faceserver.vision.attributes.pool import AttributePool, spec_without_weights
from tests.services.test_facade import BLACK, RED, png

FACES = "/v1/collections/default/faces"
SEARCH = "/v1/collections/default/search"
PICTURE = png(RED, RED)
TOLD: list[tuple[Value, Value, Value]] = [
    ({"value": 30.2}, {"value": "female"}, {"value": 0.9}),
    ({"value": 61.0}, {"value": "male"}, {"value": 0.3}),
]
"""Age, gender and quality of the two faces of the picture."""


class Told:
    """Tells of the first and second face of a picture what TOLD has."""

    def __init__(self, name: str, values: Sequence[Value]) -> None:
        self.name = name
        self._values = values

    def cut(self, image: Image, detection: Detection) -> Cut:
        return Cut(detection, image[:1, :1])

    def tell(self, cuts: Sequence[Cut]) -> list[Value]:
        return list(self._values[: len(cuts)])


@pytest.fixture
def stored(client: Client, service: Services) -> Client:
    """A collection of two faces with an age, a gender and a quality, and one without."""
    values = dict(zip(("age", "gender", "quality"), zip(*TOLD, strict=True), strict=True))
    specs = [spec_without_weights("pose").model_copy(update={"name": name}) for name in values]
    pool = AttributePool(specs, lambda spec: Told(spec.name, values[spec.name]))
    service.context.analyzers.default.attributes = pool
    client.add_faces("default", PICTURE, attributes=["age", "gender", "quality"], source="told")
    client.add_faces("default", png(RED, BLACK), source="bare")
    return client


def sources(client: Client, only: SearchFilter) -> list[float]:
    (probe,) = client.search("default", PICTURE, faces="largest", only=only, k=9).probes
    return sorted(match.face.attributes["age"] for match in probe.matches)


@pytest.mark.parametrize(
    ("only", "ages"),
    [
        (SearchFilter(age="20-40"), [30.2]),
        (SearchFilter(age="20.."), [30.2, 61.0]),
        (SearchFilter(gender="male"), [61.0]),
        (SearchFilter(min_quality=0.25), [30.2, 61.0]),
        (SearchFilter(min_quality=0.5), [30.2]),
        (SearchFilter(age="20-40", gender="male"), []),
        (SearchFilter(where=("age:..60", "quality:0.5-1")), [30.2]),
    ],
)
def test_the_client_searches_and_lists_them(
    stored: Client, only: SearchFilter, ages: list[float]
) -> None:
    assert sources(stored, only) == ages
    listed = stored.list_faces("default", **only.model_dump(exclude_none=True, exclude={"tags"}))
    assert [face.attributes["age"] for face in listed.items] == ages
    frames = stored.search_frames("default", [PICTURE], only=only)
    assert sorted(each.face.attributes["age"] for each in frames.probe.matches) == ages


def test_json_and_forms_are_filtered_alike(stored: Client, http: FlaskClient) -> None:
    face = stored.list_faces("default").items[2]
    by_json = http.post(SEARCH, json={"face": face.id.hex, "filter": {"where": ["gender:female"]}})
    fields = {"file": (io.BytesIO(PICTURE), "a.png"), "faces": "largest", "gender": "female"}
    by_form = http.post(SEARCH, data=fields)
    for answer in (by_json, by_form):
        assert answer.status_code == 200, answer.text
        (probe,) = answer.get_json()["probes"]
        assert [match["face"]["attributes"]["age"] for match in probe["matches"]] == [30.2]


@pytest.mark.parametrize(
    "query", ["age=young", "age=-40", "min_quality=2", "where=age", "where=Age:3"]
)
def test_what_is_no_condition_is_refused(http: FlaskClient, query: str) -> None:
    answer = http.get(f"{FACES}?{query}")
    assert answer.status_code == 400
    (problem,) = answer.get_json()["errors"]
    assert problem["parameter"].partition(".")[0] == query.partition("=")[0]


def test_strangers_are_not_remembered_under_such_a_filter(stored: Client) -> None:
    with pytest.raises(ApiError) as refused:
        stored.search("default", PICTURE, only=SearchFilter(age="90-"), remember=True)
    assert refused.value.code == "invalid_combination"
