"""Embeddings: recognized and verified without a picture."""

from typing import Any

import pytest

from tests.services.test_facade import BLUE, PINK, RED
from tests.web.compat.compreface.conftest import ComprefaceClient, picture

RECOGNIZE = "/recognition/embeddings/recognize"


def embedding(compreface: ComprefaceClient, tile: tuple[int, int, int]) -> list[float]:
    path = "/detection/detect?face_plugins=calculator"
    vector: list[float] = compreface.json("POST", path, **picture(tile))["result"][0]["embedding"]
    return vector


def test_recognizing(compreface: ComprefaceClient) -> None:
    compreface.add("Ann", RED)
    compreface.add("Bob", BLUE)
    sent = [embedding(compreface, PINK), [3 * number for number in embedding(compreface, BLUE)]]
    body: dict[str, Any] = {"json": {"embeddings": sent}}
    one, other = compreface.json("POST", f"{RECOGNIZE}?prediction_count=2", **body)["result"]
    assert [one["embedding"], other["embedding"]] == sent
    assert [each["subject"] for each in one["similarities"]] == ["Ann", "Bob"]
    assert [each["subject"] for each in other["similarities"]] == ["Bob", "Ann"]
    assert other["similarities"][0]["similarity"] > 0.5 > other["similarities"][1]["similarity"]
    (one, _) = compreface.json("POST", RECOGNIZE, **body)["result"]
    assert len(one["similarities"]) == 1


def test_verifying_the_most_similar_first(compreface: ComprefaceClient) -> None:
    image_id = compreface.add("Ann", RED)
    red, blue = embedding(compreface, RED), embedding(compreface, BLUE)
    path = f"/recognition/embeddings/faces/{image_id}/verify"
    stored = compreface.json("POST", path, json={"embeddings": [blue, red]})["result"]
    alone = compreface.json(
        "POST", "/verification/embeddings/verify", json={"source": red, "targets": [blue, red]}
    )["result"]
    for result in (stored, alone):
        assert [each["embedding"] for each in result] == [red, blue]
        assert result[0]["similarity"] > 0.5 > result[1]["similarity"]
        assert set(result[0]) == {"embedding", "similarity"}


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        (RECOGNIZE, {}, (5, "Field embeddings cannot be empty")),
        (RECOGNIZE, {"embeddings": None}, (5, "Field embeddings cannot be empty")),
        (
            RECOGNIZE,
            {"embeddings": []},
            (37, "1 embeddings were expected, but 0 were provided"),
        ),
        (
            "/verification/embeddings/verify",
            {"targets": [[1, 0, 0]]},
            (5, "Field source cannot be empty"),
        ),
        (
            "/verification/embeddings/verify",
            {"source": [], "targets": [[1, 0, 0]]},
            (5, "Field source cannot be empty"),
        ),
        (
            "/verification/embeddings/verify",
            {"source": [1, 0, 0]},
            (5, "Field targets cannot be empty"),
        ),
        (
            "/verification/embeddings/verify",
            {"source": [1, 0, 0], "targets": []},
            (37, "1 embeddings were expected, but 0 were provided"),
        ),
    ],
)
def test_embeddings_that_are_missing(
    compreface: ComprefaceClient, path: str, body: Any, expected: tuple[int, str]
) -> None:
    assert compreface.error("POST", path, json=body) == (400, *expected)


@pytest.mark.parametrize(
    "embeddings", [[[1, 0]], [[0, 0, 0]], [[1e308, 1e308, 1e308, 1e308]], [[]]]
)
def test_embeddings_of_another_model(compreface: ComprefaceClient, embeddings: Any) -> None:
    status, code, message = compreface.error("POST", RECOGNIZE, json={"embeddings": embeddings})
    assert (status, code) == (400, 26)
    assert "an embedding" in message


@pytest.mark.parametrize(
    "embeddings", ['"a"', "[1]", '[["1"]]', "[[true]]", "[[NaN]]", "[[1e999]]"]
)
def test_embeddings_that_are_none(compreface: ComprefaceClient, embeddings: str) -> None:
    sent = {"data": f'{{"embeddings": {embeddings}}}', "content_type": "application/json"}
    assert compreface.error("POST", RECOGNIZE, **sent)[:2] == (400, 0)


def test_as_many_embeddings_as_fit(compreface: ComprefaceClient) -> None:
    compreface.add("Ann", RED)
    many: dict[str, Any] = {"json": {"embeddings": [[1, 0, 0]] * 1_000}}
    assert len(compreface.json("POST", RECOGNIZE, **many)["result"]) == 1_000
    too_many: dict[str, Any] = {"json": {"embeddings": [[1, 0, 0]] * 60_000}}
    assert compreface.error("POST", RECOGNIZE, **too_many)[0] == 413
