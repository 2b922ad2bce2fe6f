"""Several pictures of one person, one answer."""

from base64 import b64encode

import pytest
from flask.testing import FlaskClient

from faceserver.api.faces import SearchFilter
from faceserver.client import ApiError, Client
from tests.services.test_facade import BLACK, BLUE, GREEN, PINK, RED, png


def test_one_answer_by_the_evidence_of_all(client: Client) -> None:
    ann = client.create_subject("default", name="Ann")
    client.add_faces("default", png(RED), subject=ann.id)
    answer = client.search_frames("default", [png(RED), png(PINK), png(RED, BLUE)])
    assert (answer.probe.verdict.answer, answer.threshold, answer.model) == ("known", 0.1, "colour")
    assert answer.probe.verdict.best
    assert answer.probe.verdict.best.person
    assert answer.probe.verdict.best.person.id == ann.id
    assert answer.probe.detection is None
    assert [frame.code for frame in answer.frames] == [None, None, None]
    assert answer.frames[2].face
    assert answer.frames[2].face.box.x1 == 0
    distances = [frame.distance for frame in answer.frames]
    assert all(distance is not None and distance < 0.02 for distance in distances)


def test_a_passer_by_and_bad_frames_are_left_out_with_their_reasons(client: Client) -> None:
    ben = client.create_subject("default", name="Ben")
    client.add_faces("default", png(BLUE), subject=ben.id)
    answer = client.search_frames(
        "default", [png(RED), png(BLUE), png(BLACK), b"no picture", png(PINK), b""]
    )
    codes = [frame.code for frame in answer.frames]
    assert codes == [None, "other_person", "no_face", "not_an_image", None, "empty_file"]
    assert all(bool(frame.reason) == bool(frame.code) for frame in answer.frames)
    assert all((frame.face is None) == bool(frame.code) for frame in answer.frames)
    assert (answer.probe.verdict.answer, answer.probe.matches) == ("unknown", ())


def test_a_stranger_is_counted_once_for_all_frames(client: Client) -> None:
    for seen in (1, 2):
        answer = client.search_frames("default", [png(RED), png(PINK), png(RED)], remember=True)
        assert answer.probe.stranger
        assert answer.probe.stranger.seen == seen
    assert len(client.list_strangers("default").items) == 1


def test_the_options_are_those_of_a_search(client: Client) -> None:
    for tag in ("a", "b"):
        client.add_faces("default", png((220, 10, 10 * len(tag) + ord(tag) % 7)), tags=[tag])
    frames = [png(RED), png(PINK)]
    assert len(client.search_frames("default", frames).probe.matches) == 2
    assert len(client.search_frames("default", frames, k=1).probe.matches) == 1
    only = SearchFilter(tags=("a",))
    assert len(client.search_frames("default", frames, only=only).probe.matches) == 1
    assert client.search_frames("default", frames, threshold=1e-6).probe.matches == ()


def test_json_takes_base64_and_urls(http: FlaskClient) -> None:
    pictures = [
        {"base64": b64encode(png(RED)).decode()},
        {"url": "https://faces.example/red"},
        {"url": "https://faces.example/gone"},
    ]
    answer = http.post(
        "/v1/collections/default/search/frames", json={"pictures": pictures}
    ).get_json()
    assert [frame["code"] for frame in answer["frames"]] == [None, None, "url_failed"]


def test_where_no_picture_can_be_used_the_search_is_refused(client: Client) -> None:
    for pictures, code in (
        ([png(BLACK), b"no picture"], "no_face"),
        ([b"no picture", png(BLACK)], "not_an_image"),
        ([], "unsupported_media_type"),
        ([png(GREEN)] * 33, "invalid_request"),
    ):
        with pytest.raises(ApiError) as error:
            client.search_frames("default", pictures)
        assert error.value.code == code
    with pytest.raises(ApiError) as error:
        client.search_frames("nowhere", [png(RED)])
    assert error.value.code == "not_found"


def test_an_empty_list_is_refused(http: FlaskClient) -> None:
    answer = http.post("/v1/collections/default/search/frames", json={"pictures": []})
    assert (answer.status_code, answer.get_json()["code"]) == (400, "invalid_request")
