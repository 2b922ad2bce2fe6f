"""Collections, people and faces, through the package's own client."""

from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest

from faceserver.api.pictures import DetectAnswer
from faceserver.client import ApiError, Client, every
from faceserver.config import Settings
from faceserver.pictures import codec
from tests.services.test_facade import BLACK, BLUE, GREEN, PINK, RED, png

RED_URL = "https://faces.example/red"
NOBODY = uuid4()


def code_of(error: pytest.ExceptionInfo[ApiError]) -> str:
    return error.value.code


def unit(*numbers: float) -> list[float]:
    vector = np.array(numbers)
    return [float(number) for number in vector / np.linalg.norm(vector)]


def add(client: Client, *tiles: tuple[int, int, int], subject: UUID | None = None) -> list[UUID]:
    added = client.add_faces("default", png(*tiles), subject=subject)
    return [face.id for face in added.faces]


def test_detect_tells_every_face(client: Client) -> None:
    answer = client.detect(png(RED, BLACK, GREEN))
    assert (answer.width, answer.height) == (48, 16)
    assert [face.box.x1 for face in answer.faces] == [0, 32]
    assert answer.faces[0].points.nose.x == pytest.approx(8)
    assert client.detect(png(BLACK)).faces == ()
    assert len(client.detect(RED_URL).faces) == 1


def test_embed_gives_unit_vectors(client: Client) -> None:
    answer = client.embed(png(RED, GREEN))
    assert (answer.model, answer.dims, len(answer.faces)) == ("colour", 3, 2)
    assert np.linalg.norm(answer.faces[0].embedding) == pytest.approx(1)
    assert len(client.embed(RED_URL, faces="largest").faces) == 1


def test_compare_measures_every_pair(client: Client) -> None:
    answer = client.compare(png(GREEN, RED), png(PINK, BLUE))
    assert (answer.pairs[0].a, answer.pairs[0].b) == (1, 0)
    assert [pair.same for pair in answer.pairs] == [True, False, False, False]
    best = answer.pairs[0]
    assert best.similarity is not None
    assert best.similarity > 0.5 > (answer.pairs[1].similarity or 0)
    assert len(client.compare(png(GREEN, RED), png(RED), faces="largest").pairs) == 1
    assert client.compare(RED_URL, RED_URL).pairs[0].distance == 0


def test_compare_wants_a_face_in_both(client: Client) -> None:
    with pytest.raises(ApiError, match="picture b") as error:
        client.compare(png(RED), png(BLACK))
    assert code_of(error) == "no_face"
    with pytest.raises(ApiError, match="two files or two URLs"):
        client.compare(png(RED), RED_URL)


def test_collections_come_and_go(client: Client) -> None:
    made = client.create_collection("staff")
    assert (made.name, made.model, made.dims, made.faces) == ("staff", "colour", 3, 0)
    assert made.threshold == 0.1
    client.create_subject("staff", name="Ann")
    client.add_faces("staff", png(RED))
    assert client.get_collection("staff").subjects == 1
    assert [item.name for item in every(client.list_collections, limit=1)] == ["default", "staff"]
    gone = client.delete_collection("staff")
    assert (gone.name, gone.faces, gone.subjects, gone.pictures) == ("staff", 1, 1, 1)
    with pytest.raises(ApiError) as error:
        client.get_collection("staff")
    assert code_of(error) == "not_found"


def test_collections_of_several_models_stand_side_by_side(client: Client) -> None:
    made = client.create_collection("other", model="mirrored")
    assert (made.model, made.threshold) == ("mirrored", 0.1)
    for name, model in (("default", "colour"), ("other", "mirrored")):
        client.add_faces(name, png(RED))
        found = client.search(name, png(RED))
        assert found.model == model
        assert [match.distance for match in found.probes[0].matches] == [0]
    with pytest.raises(ApiError) as error:  # to the other model red is what blue is to this one
        client.search_embedding("other", (1.0, 0.0, 0.0), model="colour")
    assert code_of(error) == "invalid_embedding"
    assert not client.search_embedding("other", (1.0, 0.0, 0.0), model="mirrored").probes[0].matches


def test_a_collections_model_may_be_called_as_other_programs_call_it(client: Client) -> None:
    assert client.create_collection("other", model="some.Calculator@mirrored").model == "mirrored"


def test_a_model_that_is_not_there_is_said(client: Client) -> None:
    with pytest.raises(ApiError, match="no embedding model 'oracle'; there are: colour, mirrored"):
        client.create_collection("other", model="oracle")
    assert [item.name for item in every(client.list_collections)] == ["default"]


def test_a_name_is_taken_once(client: Client) -> None:
    with pytest.raises(ApiError) as error:
        client.create_collection("default")
    assert code_of(error) == "already_exists"
    client.create_subject("default", name="Ann")
    with pytest.raises(ApiError) as error:
        client.create_subject("default", name=" ANN ")
    assert code_of(error) == "already_exists"


def test_people_are_listed_changed_and_deleted(client: Client) -> None:
    ann = client.create_subject("default", name="Ann", tags=["b", "a"], metadata={"n": [1, None]})
    ben = client.create_subject("default", name="Ben", tags=["b"])
    assert ann.created.utcoffset() == timedelta(0)
    assert dict(ann.metadata) == {"n": [1, None]}
    pages = partial(client.list_subjects, "default")
    assert [item.name for item in every(pages, limit=1)] == ["Ann", "Ben"]
    assert client.list_subjects("default", tag=["a", "b"]).items == (ann,)
    assert client.list_subjects("default", name="ben").items == (ben,)
    assert client.list_subjects("default", name="Cid").items == ()
    changed = client.change_subject("default", ann.id, name="Anne", tags=["c"])
    assert (changed.name, changed.tags, changed.metadata) == ("Anne", ("c",), ann.metadata)
    assert client.get_subject("default", ann.id) == changed
    add(client, RED, GREEN, subject=ben.id)
    assert client.delete_subject("default", ben.id).faces == 2
    with pytest.raises(ApiError) as error:
        client.get_subject("default", ben.id)
    assert code_of(error) == "not_found"


def test_a_merge_can_be_undone(client: Client) -> None:
    people = [client.create_subject("default", name=name).id for name in ("Ann", "Ben", "Cid")]
    add(client, RED, subject=people[1])
    first = client.merge_subject("default", people[1], into=people[0])
    second = client.merge_subject("default", people[2], into=people[0])
    assert (first.faces, first.name, first.until - first.at) == (1, "Ben", timedelta(days=7))
    assert list(every(partial(client.list_merges, "default"), limit=1)) == [first, second]
    back = client.undo_merge("default", first.id)
    assert (back.id, back.faces) == (people[1], 1)
    with pytest.raises(ApiError) as error:
        client.undo_merge("default", first.id)
    assert code_of(error) == "not_found"


def test_faces_are_added_in_each_way(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "two.png"
    path.write_bytes(png(RED, GREEN))
    ann = client.create_subject("default", name="Ann")
    (largest,) = client.add_faces(
        "default", path, subject=ann.id, tags=["x"], external_id="e", faces="largest"
    ).faces
    assert (largest.source, largest.tags, largest.external_id) == ("two.png", ("x",), "e")
    assert (largest.subject, largest.collection) == (ann.id, "default")
    (fetched,) = client.add_faces("default", RED_URL).faces
    assert fetched.source == RED_URL
    (ready,) = client.add_embedding(
        "default", unit(0, 1, 0.01), model="colour", subject=ann.id, source="phone"
    ).faces
    assert (ready.box, ready.picture, ready.crop, ready.source) == (None, None, None, "phone")
    (found,) = client.detect(png(BLUE)).faces
    (placed,) = client.add_embedding("default", unit(0, 0, 1), model="colour", face=found).faces
    assert (placed.box, placed.points, placed.score) == (found.box, found.points, found.score)
    assert placed.crop is None
    pages = partial(client.list_faces, "default", subject=ann.id)
    assert [face.id for face in every(pages, limit=1)] == [largest.id, ready.id]
    assert client.list_faces("default", tag=["x"], external_id="e").items == (largest,)


@pytest.mark.parametrize(
    ("embedding", "model", "message"),
    [
        (unit(1, 0, 0), "other", "of colour, not of other"),
        (unit(1, 0), "colour", "3 numbers, not 2"),
        ([0.5, 0.0, 0.0], "colour", "length 1, not 0.5"),
    ],
)
def test_an_embedding_must_be_the_models(
    client: Client, embedding: list[float], model: str, message: str
) -> None:
    for call in (client.add_embedding, client.search_embedding):
        with pytest.raises(ApiError, match=message) as error:
            call("default", embedding, model=model)
        assert code_of(error) == "invalid_embedding"


def test_a_refused_picture_stores_nothing(client: Client) -> None:
    with pytest.raises(ApiError) as error:
        client.add_faces("default", png(BLACK))
    assert code_of(error) == "no_face"
    with pytest.raises(ApiError) as error:
        client.add_faces("default", png(RED), subject=NOBODY)
    assert code_of(error) == "not_found"
    with pytest.raises(ApiError) as error:
        client.add_faces("default", b"x" * 10_001)
    assert code_of(error) == "file_too_large"
    with pytest.raises(ApiError) as error:
        client.add_faces("default", "https://faces.example/gone")
    assert code_of(error) == "url_failed"
    assert client.get_collection("default").faces == 0


def test_a_face_is_moved_tagged_and_deleted(client: Client) -> None:
    ann = client.create_subject("default", name="Ann")
    (face,) = add(client, RED)
    assert client.move_face("default", face, ann.id).subject == ann.id
    assert client.tag_face("default", face, ["t"]).subject == ann.id
    assert client.move_face("default", face, None).subject is None
    assert client.get_face("default", face).tags == ("t",)
    assert client.delete_face("default", face).id == face
    for call in (client.get_face, client.delete_face, client.get_face_crop):
        with pytest.raises(ApiError) as error:
            call("default", face)
        assert code_of(error) == "not_found"
    with pytest.raises(ApiError) as error:
        client.move_face("default", face, None)
    assert code_of(error) == "not_found"


def test_a_face_has_its_picture_and_its_crop(client: Client) -> None:
    _, green = add(client, RED, GREEN)
    picture = codec.decode(
        client.get_face_picture("default", green), max_bytes=10**6, max_pixels=10**6
    ).image
    crop = codec.decode(
        client.get_face_crop("default", green), max_bytes=10**6, max_pixels=10**6
    ).image
    assert picture.shape == (16, 32, 3)
    assert crop.shape == (16, 16, 3)
    assert crop[8, 8].argmax() == 1


def test_a_picture_comes_as_small_as_it_is_wanted(client: Client) -> None:
    face = add(client, RED, *[BLACK] * 9)[0]
    whole = client.get_face_picture("default", face)
    assert client.get_face_picture("default", face, side=8192) == whole
    path = f"/collections/default/faces/{face}/picture"
    answer = client.ask("GET", path, params={"side": 128})
    assert codec.decode_stored(answer.content).image.shape == (13, 128, 3)
    told = (answer.headers["Picture-Width"], answer.headers["Picture-Height"])
    assert told == ("160", "16")
    known = {"If-None-Match": answer.headers["ETag"]}
    assert client.ask("GET", path, params={"side": 128}, headers=known).status_code == 304
    with pytest.raises(ApiError) as error:
        client.get_face_picture("default", face, side=1)
    assert code_of(error) == "invalid_request"


def test_a_face_without_a_picture_has_none(client: Client) -> None:
    (ready,) = client.add_embedding("default", unit(1, 0, 0), model="colour").faces
    for call in (client.get_face_picture, client.get_face_crop):
        with pytest.raises(ApiError, match="no picture") as error:
            call("default", ready.id)
        assert code_of(error) == "not_found"


def test_a_picture_that_went_missing_is_not_found(client: Client, settings: Settings) -> None:
    (face,) = add(client, RED)
    for path in (settings.data_dir / "uploadImages").iterdir():
        path.unlink()
    with pytest.raises(ApiError) as error:
        client.get_face_picture("default", face)
    assert code_of(error) == "not_found"


def test_the_client_tells_what_is_wrong(client: Client) -> None:
    with pytest.raises(ApiError) as error:
        client.list_faces("default", limit=0)
    problem = error.value.problem
    assert problem
    assert (problem.status, problem.code) == (400, "invalid_request")
    assert [field.parameter for field in problem.errors] == ["limit"]
    with pytest.raises(ApiError) as error:
        Client("http://127.0.0.1:9", timeout=1).detect(b"x")
    assert code_of(error) == "unreachable"


@pytest.mark.parametrize("path", ["health/live", "nowhere"])
def test_the_client_tells_of_another_server(client: Client, path: str) -> None:
    with pytest.raises(ApiError) as error:
        client.call(DetectAnswer, "GET", f"/../{path}")
    assert code_of(error) == "unexpected_answer"


def test_many_faces_are_moved_at_once(client: Client) -> None:
    ann = client.create_subject("default", name="Ann").id
    faces = add(client, RED, GREEN)
    assert client.move_faces("default", [*faces, NOBODY], ann).moved == 2
    assert client.get_subject("default", ann).faces == 2
    assert client.move_faces("default", faces[:1], None).moved == 1
    with pytest.raises(ApiError) as error:
        client.move_faces("default", faces, NOBODY)
    assert code_of(error) == "not_found"


def test_unnamed_faces_are_grouped(client: Client) -> None:
    ann = client.create_subject("default", name="Ann").id
    add(client, BLUE, subject=ann)
    red = [*add(client, RED), *add(client, PINK)]
    (green,) = add(client, GREEN)
    groups = [set(person.ids) for person in client.group_unnamed("default", min_size=0).people]
    assert groups == [set(red), {green}]


def test_the_server_tells_how_it_is_and_gives_keys(client: Client, url: str) -> None:
    add(client, RED)
    status = client.get_status()
    assert [(item.name, item.faces) for item in status.collections] == [("default", 1)]
    made = client.create_key(name="door", scope="admin")
    with pytest.raises(ApiError) as error:
        client.list_keys()
    assert code_of(error) == "not_authenticated"
    with Client(url, key=made.token) as holder:
        assert [key.id for key in holder.list_keys().items] == [made.key.id]
        assert holder.revoke_key(made.key.id).id == made.key.id
        with pytest.raises(ApiError) as error:
            holder.get_status()
    assert code_of(error) == "not_authenticated"
