"""No number that is not finite gets in by any door; what got in before is shown without a place."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from io import BytesIO
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, get_args
from zipfile import ZipFile

import pytest
from flask.testing import FlaskClient
from pydantic import BaseModel

from faceserver import api
from faceserver.api.base import Answer, Input
from faceserver.client import Client
from faceserver.config import Settings, load_settings
from faceserver.errors import InvalidArchive, InvalidSetting, ModelError
from faceserver.lifecycle import Services
from faceserver.models.spec import EmbedderSpec, load_spec
from faceserver.store import open_store
from faceserver.transfer.check import check_folder
from faceserver.web.v1 import faces, searching, stateless
from tests.services.test_facade import RED, png
from tests.store.samples import DIMS, MODEL, new_face, people
from tests.transfer.test_archive import give_out, take_in

FACE: dict[str, Any] = {
    "box": {"x1": 1, "y1": 2, "x2": 30.5, "y2": 40},
    "points": {
        name: {"x": 5, "y": 6}
        for name in ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")
    },
    "score": 0.5,
}
ADD: dict[str, Any] = {"embedding": [1.0, 0.0, 0.0], "model": "colour", "face": FACE}
SEARCH = {"embedding": [1.0, 0.0, 0.0], "model": "colour", "threshold": 0.5, "margin": 0.1}
NUMBERS = ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"]


def places(body: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each number of a body."""
    if isinstance(body, dict | list):
        for key, value in body.items() if isinstance(body, dict) else enumerate(body):
            yield from places(value, (*way, key))
    elif isinstance(body, int | float):
        yield way


def put(body: Any, way: tuple[Any, ...], number: str) -> str:
    """The body as JSON, with this number at the place."""
    copy = json.loads(json.dumps(body))
    held = copy
    for key in way[:-1]:
        held = held[key]
    held[way[-1]] = "@"
    return json.dumps(copy).replace('"@"', number)


def send(http: FlaskClient, path: str, body: str) -> int:
    address = f"/v1/collections/default/{path}"
    return http.post(address, data=body, content_type="application/json").status_code


@pytest.mark.parametrize(("path", "body"), [("faces", ADD), ("search", SEARCH)])
def test_no_body_brings_one(http: FlaskClient, client: Client, path: str, body: Any) -> None:
    assert send(http, path, json.dumps(body)) in {200, 201}
    ways = list(places(body))
    assert len(ways) > 4
    for way in ways:
        for number in [*NUMBERS, "1e300", "-1e300"]:
            assert send(http, path, put(body, way, number)) == 400, (way, number)
    (listed,) = client.list_faces("default").items if path == "faces" else (None,)
    assert listed is None or listed.box


@pytest.mark.parametrize(
    "box",
    [
        {"x1": 30, "y1": 2, "x2": 1, "y2": 40},
        {"x1": 1, "y1": 40, "x2": 30, "y2": 2},
        {"x1": 1, "y1": 2, "x2": 1, "y2": 2},
        {"x1": 0, "y1": 0, "x2": 0, "y2": 0},
        {"x1": "1", "y1": 2, "x2": 30, "y2": 40},
    ],
)
def test_a_box_that_is_none_is_refused(http: FlaskClient, box: Any) -> None:
    body = {**ADD, "face": {**FACE, "box": box}}
    assert send(http, "faces", json.dumps(body)) in {400, 422}


def test_a_face_as_it_was_answered_can_be_sent_back(http: FlaskClient, client: Client) -> None:
    (found,) = client.embed(png(RED)).faces
    added = client.add_embedding("default", found.embedding, model="colour", face=found)
    assert added.faces[0].box == found.box
    sent = {**ADD, "face": found.model_dump(mode="json")}  # with the embedding in it
    assert http.post("/v1/collections/default/faces", json=sent).status_code == 201


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "1e999", "NaN", "Infinity"])
def test_no_address_and_no_form_brings_one(http: FlaskClient, number: str) -> None:
    unnamed = http.get(f"/v1/collections/default/unnamed?threshold={number}")
    assert unnamed.status_code == 400
    for name in ("threshold", "margin"):
        form = {name: number, "file": (BytesIO(b"x"), "a.png")}
        assert http.post("/v1/collections/default/search", data=form).status_code == 400


@pytest.mark.parametrize("number", NUMBERS)
def test_no_metadata_brings_one(http: FlaskClient, number: str) -> None:
    for metadata in (f'{{"a": {number}}}', f'{{"a": [{{"b": {number}}}]}}'):
        body = f'{{"name": "Ann", "metadata": {metadata}}}'
        made = http.post(
            "/v1/collections/default/subjects", data=body, content_type="application/json"
        )
        assert 400 <= made.status_code < 500
    assert http.get("/v1/collections/default/subjects").json == {
        "items": [],
        "next": None,
        "total": 0,
        "hidden": 0,
    }


def _models() -> Iterator[type[BaseModel]]:
    modules = [
        import_module(f"faceserver.api.{found.name}") for found in iter_modules(api.__path__)
    ]
    for module in [*modules, faces, searching, stateless]:
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, BaseModel):
                yield value


def _parts(kind: Any) -> Iterator[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    for part in get_args(kind):
        yield from _parts(part)


def test_what_is_taken_is_never_made_of_answers() -> None:
    inputs = [model for model in _models() if issubclass(model, Input)]
    assert len(inputs) > 30
    for model in inputs:
        assert model.model_config["allow_inf_nan"] is False
        for field in model.model_fields.values():
            for part in _parts(field.annotation):
                assert not issubclass(part, Answer), f"{model.__name__} takes {part.__name__}"


@pytest.mark.parametrize("number", ["nan", "inf", "1e999"])
def test_no_setting_is_one(number: str, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = [
        name
        for name, field in Settings.model_fields.items()
        if float in {field.annotation, *get_args(field.annotation)}
    ]
    assert len(numbers) > 5
    for name in numbers:
        with monkeypatch.context() as patch:
            patch.setenv(f"FACESERVER_{name.upper()}", number)
            with pytest.raises(InvalidSetting):
                load_settings()


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_no_model_is_described_by_one(number: str, tmp_path: Path) -> None:
    source = Path(__file__).parents[3] / "models" / "inception_resnet" / "20180408-102900"
    text = (source / "model.toml").read_text()
    (tmp_path / "model.toml").write_text(text)
    load_spec(tmp_path, EmbedderSpec)
    lines = text.splitlines()
    for place, line in enumerate(lines):
        name, _, value = line.partition(" = ")
        if name in {"threshold", "mean", "scale", "midpoint", "steepness", "side", "lowered"}:
            changed = [*lines[:place], f"{name} = {number}", *lines[place + 1 :]]
            (tmp_path / "model.toml").write_text("\n".join(changed))
            with pytest.raises(ModelError):
                load_spec(tmp_path, EmbedderSpec)
            assert value


def test_urls_beside_one_are_no_json(http: FlaskClient) -> None:
    body = '{"urls": ["https://faces.example/red"], "x": NaN}'
    sent = http.post("/faceRegisterBatch", data=body, content_type="application/json")
    assert sent.status_code == 400


FAULTS = [
    ("box", "[NaN, 2, 3, 4]"),
    ("box", "[1, 2, Infinity, 4]"),
    ("box", "[1, 2, 1e999, 4]"),
    ("box", "[1, 2, 1e300, 4]"),
    ("box", "[3, 2, 1, 4]"),
    ("points", "[[1, 2], [3, 4], [5, NaN], [7, 8], [9, 10]]"),
    ("points", "[[1, 2], [3, 4], [5, -1e300], [7, 8], [9, 10]]"),
    ("score", float("inf")),
    ("score", 1e300),
    ("attributes", '{"quality":1e999}'),
    ("attributes", '{"pose":{"yaw":NaN}}'),
    ("attributes", '{"Pose!":1}'),
    ("attributes", "[1]"),
    ("attributes", "{"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of a gallery with three faces of a person with metadata."""
    with closing(open_store(tmp_path / "g", model=MODEL, dims=DIMS)) as store:
        person = store.collection().add_subject("Ann", metadata={"a": 1})
        store.collection().add(
            [new_face(vector, subject=person.id, picture=None) for vector in people(3)]
        )
    return tmp_path / "g"


@pytest.mark.parametrize(("column", "value"), FAULTS)
def test_a_folder_that_holds_one_is_listed_exported_checked_and_mended(
    folder: Path, tmp_path: Path, column: str, value: object
) -> None:
    with closing(sqlite3.connect(folder / "faces.sqlite")) as connection, connection:
        connection.execute(f"UPDATE faces SET {column} = ? WHERE id = 2", (value,))
    with closing(open_store(folder, model=MODEL, dims=DIMS)) as store:
        collection = store.collection()
        assert len(collection.faces(limit=9).items) == 3
        assert len(collection.search(people(3)[1], k=3, max_distance=5)) == 3
        give_out(store, tmp_path / "out.zip")
    with closing(open_store(tmp_path / "new", model=MODEL, dims=DIMS)) as store:
        assert take_in(store, tmp_path / "out.zip").faces == 3
    assert check_folder(tmp_path / "new") == []
    (finding,) = check_folder(folder)
    assert column in finding.what
    check_folder(folder, repair=True)
    assert check_folder(folder) == []


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        *[("faces", b'"score":0.9', b'"score":' + bad + b',"x":0.9') for bad in (b"NaN",)],
        *[
            ("faces", b'"box":[1.5,', b'"box":[' + bad + b",")
            for bad in (b"NaN", b"Infinity", b"1e999", b"1e300", b"5000")
        ],
        *[
            ("faces", b'"attributes":{}', b'"attributes":' + bad)
            for bad in (
                b'{"quality":NaN}',
                b'{"quality":1e999}',
                b'{"pose":{"yaw":[Infinity]}}',
                b'{"":1}',
                b"[]",
                b'{"a":"' + b"x" * 20_000 + b'"}',
            )
        ],
        *[("faces", b'"attributes":{}', b'"quality":' + bad) for bad in (b"NaN", b'"high"')],
        *[("subjects", b'{"a":1}', b'{"a":' + bad + b"}") for bad in (b"NaN", b"1e999")],
    ],
)
def test_no_archive_brings_one(
    folder: Path, tmp_path: Path, name: str, old: bytes, new: bytes
) -> None:
    with closing(open_store(folder, model=MODEL, dims=DIMS)) as store:
        give_out(store, tmp_path / "out.zip")
    with (
        ZipFile(tmp_path / "out.zip") as source,
        ZipFile(tmp_path / "bad.zip", "w") as target,
    ):
        for member in source.namelist():
            data = source.read(member)
            if member.endswith(f"{name}.jsonl"):
                assert old in data
                data = data.replace(old, new)
            target.writestr(member, data)
    with closing(open_store(tmp_path / "new", model=MODEL, dims=DIMS)) as store:
        with pytest.raises(InvalidArchive):
            take_in(store, tmp_path / "bad.zip")
        assert (store.collection().count(), store.collection().count_subjects()) == (0, 0)


def test_a_client_lists_what_a_folder_held_before(
    client: Client, service: Services, settings: Settings
) -> None:
    added = client.add_embedding("default", [1.0, 0.0, 0.0], model="colour")
    with closing(sqlite3.connect(settings.data_dir / "faces.sqlite")) as connection, connection:
        connection.execute("UPDATE faces SET box = '[NaN, 1e999, 3, 4]', score = ?", (9e999,))
    (face,) = client.list_faces("default").items
    assert (face.id, face.box, face.points, face.score) == (added.faces[0].id, None, None, None)
    (probe,) = client.search_embedding("default", [1.0, 0.0, 0.0], model="colour").probes
    assert probe.verdict.answer == "known"
