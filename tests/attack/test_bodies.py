"""Bodies that are small to send and were large to take."""

import base64
import json
import os

import pytest

from tests.attack.attacker import Attacker, flood, read_all

GROWTH = 400_000_000
"""Bytes that an attack may add to the memory of a server that takes pictures of 20 MB."""

SEARCH = "/v1/collections/default/search"
FACES = "/v1/collections/default/faces"
MOVE = "/v1/collections/default/faces/move"
JOBS = "/v1/collections/default/jobs"
SUBJECTS = "/v1/collections/default/subjects"

ITEMS = {
    "numbers": "1",
    "lists": "[]",
    "objects": "{}",
    "texts": '"x"',
    "nulls": "null",
    "wrong fields": '{"a":1,"b":2,"c":3}',
    "wrong types": '{"url":1,"person":2,"tags":3,"external_id":4}',
    "wrong tags": '{"url":"http://a.b","tags":[1,2,3,4,5,6,7,8]}',
}
SHAPES = {
    "deep lists": "[" * 1_000_000,
    "deep objects": '{"a":' * 500_000,
    "long number": '{"items":[' + "9" * 3_000_000 + "]}",
    "long fraction": '{"items":[0.' + "9" * 3_000_000 + "]}",
    "many keys": "{" + ",".join(f'"{number}":1' for number in range(300_000)) + "}",
    "one key often": "{" + ",".join(['"items":[]'] * 300_000) + "}",
    "long key": '{"' + "k" * 3_000_000 + '":1}',
    "long text": '{"items":"' + "t" * 3_000_000 + '"}',
    "escapes": '{"items":"' + "\\u0000" * 500_000 + '"}',
    "halves of characters": '{"items":"' + "\\ud800" * 500_000 + '"}',
    "quotes": '"' * 3_000_000,
    "backslashes": '"' + "\\" * 3_000_001,
    "blanks": " " * 3_000_000,
    "zeros": "\x00" * 3_000_000,
}


def refused_shortly(attacker: Attacker, path: str, body: str) -> None:
    answer = attacker.post_json(path, body)
    assert 400 <= answer.status_code < 500
    assert len(answer.content) < 10_000
    assert len(answer.json().get("errors", ())) <= 20


@pytest.mark.parametrize("item", ITEMS.values(), ids=ITEMS)
def test_wrong_items(opened: Attacker, item: str) -> None:
    before = opened.server.most_memory()
    for size in (300_000, 3_000_000, 30_000_000):
        items = ",".join([item] * (size // (len(item) + 1)))
        for path, body in (
            (JOBS, f'{{"items":[{items}]}}'),
            (MOVE, f'{{"subject":null,"faces":[{items}]}}'),
            (SEARCH, f'{{"model":"x","embedding":[{items}]}}'),
            (FACES, f'{{"tags":[{items}],"url":"http://a.b/"}}'),
            (SUBJECTS, f'{{"name":"x","metadata":{{"a":[{items}]}}}}'),
        ):
            refused_shortly(opened, path, body)
    assert opened.server.most_memory() - before < GROWTH


@pytest.mark.parametrize("body", SHAPES.values(), ids=SHAPES)
def test_shapes(opened: Attacker, body: str) -> None:
    before = opened.server.most_memory()
    for path in (JOBS, SEARCH, SUBJECTS, MOVE, "/v1/detect", "/v1/compare", "/faceRegisterBatch"):
        answer = opened.post_json(path, body)
        assert 400 <= answer.status_code < 500
        assert len(answer.content) < 10_000
    assert opened.server.most_memory() - before < GROWTH


def test_forms(opened: Attacker) -> None:
    before = opened.server.most_memory()
    edge = {"Content-Type": "multipart/form-data; boundary=b"}
    part = b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nx\r\n'
    field = b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\nx\r\n'
    forms = [
        part * 10_000 + b"--b--",
        field * 10_000 + b"--b--",
        b"--b\r\n" + b"X-A: y\r\n" * 500_000 + b"\r\nx\r\n--b--",
        b'--b\r\nContent-Disposition: form-data; name="'
        + b"n" * 3_000_000
        + b'"\r\n\r\nx\r\n--b--',
        b"\r\n" * 1_500_000,
        b"--b\r\n" * 500_000,
        b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\n' + b"\r\n-" * 1_000_000,
    ]
    for path in ("/v1/detect", SEARCH, JOBS, "/faceRegister", "/faceRetrieve"):
        for form in forms:
            answer = opened.post(path, data=form, headers=edge)
            assert 400 <= answer.status_code < 500, (path, form[:50])
            assert len(answer.content) < 10_000
    plain = {"Content-Type": "application/x-www-form-urlencoded"}
    for path in ("/signIn", "/language", "/faceRegister", "/v1/detect"):
        fields = "&".join(f"f{number}=x" for number in range(100_000))
        assert 400 <= opened.post(path, data=fields, headers=plain).status_code < 500
    assert opened.server.most_memory() - before < GROWTH


def test_large_pictures_in_json_at_the_same_time(opened: Attacker) -> None:
    before = opened.server.most_memory()
    body = json.dumps({"base64": base64.b64encode(os.urandom(15_000_000)).decode()})

    def send() -> int:
        return opened.post_json("/v1/detect", body).status_code

    with flood(send, threads=8) as statuses:
        taken = opened.health_seconds(40)
    assert set(statuses) <= {415, 503}
    assert taken[len(taken) // 2] < 0.5
    # Eight at the same time, of which each is there as bytes, as text and as a picture.
    assert opened.server.most_memory() - before < 8 * 4 * 20_000_000 + GROWTH


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Length: 100000000"],
        ["Transfer-Encoding: chunked"],
        ["Content-Length: 2", "Expect: 100-continue"],
        ["Content-Length: 100000000", "Authorization: Bearer fs_0123456789ab_" + "A" * 43],
    ],
    ids=["length", "chunks", "expect", "bad key"],
)
def test_without_a_key_no_body_is_taken_in(closed: Attacker, headers: list[str]) -> None:
    for path in ("/faceRegister", "/v1/detect", SEARCH, JOBS):
        answer = closed.raw(closed.head("POST", path, *headers))
        assert answer.startswith(b"HTTP/1.1 401 ")
        assert b"100 Continue" not in answer


def test_who_sends_without_a_key_all_the_same_costs_nothing(closed: Attacker) -> None:
    before = closed.server.most_memory()
    with closed.connect() as client:
        client.sendall(closed.head("POST", "/faceRegister", "Content-Length: 100000000"))
        for _ in range(100):
            client.sendall(bytes(1_000_000))
        assert read_all(client).startswith(b"HTTP/1.1 401 ")
    assert closed.server.most_memory() - before < 30_000_000


def test_a_body_over_the_limit_is_not_waited_for(closed: Attacker) -> None:
    key = f"Authorization: Bearer {closed.key}"
    for path, size in (
        ("/faceRegister", 300_000_000),
        ("/v1/detect", 150_000_000),
        (SUBJECTS, 99_999),
    ):
        for expect in ([], ["Expect: 100-continue"]):
            head = closed.head("POST", path, key, f"Content-Length: {size}", *expect)
            answer = closed.raw(head)
            assert answer.startswith(b"HTTP/1.1 413 ")
            assert b"request_too_large" in answer


def test_who_may_send_is_told_to_go_on(closed: Attacker, picture: bytes) -> None:
    head = closed.head(
        "POST",
        "/v1/detect",
        f"Authorization: Bearer {closed.key}",
        "Content-Type: application/json",
        f"Content-Length: {len(_json(picture))}",
        "Expect: 100-continue",
    )
    with closed.connect() as client:
        client.sendall(head)
        assert client.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(_json(picture))
        assert read_all(client).startswith(b"HTTP/1.1 200 ")


def _json(picture: bytes) -> bytes:
    return json.dumps({"base64": base64.b64encode(picture).decode()}).encode()
