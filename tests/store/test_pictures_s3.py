"""Pictures on S3 when the server is away, or breaks off, or is of others; see also the contract."""

import io
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import pytest
import requests

from faceserver.errors import (
    InvalidSetting,
    NotFound,
    StoreError,
    StoreMismatch,
    StoreUnavailable,
    UnknownName,
)
from faceserver.runtime import deadline
from faceserver.runtime.retrying import Retries
from faceserver.store.pictures import PictureStore, PlaceOptions, open_pictures
from tests.store.test_pictures_contract import JPEG, NAME, read
from tests.support.relay import Relay, relay_to
from tests.support.s3_server import S3Server

pytest.importorskip("boto3", reason="the extra s3 is not installed")

from faceserver.store.pictures.s3.bucket import Bucket
from faceserver.store.pictures.s3.pictures import S3Pictures

LARGE = bytes(range(256)) * 40_000


class Pauses:
    """Counts pauses instead of making them; may do something in one."""

    def __init__(self) -> None:
        self.count = 0
        self.then: Callable[[], None] | None = None

    def __call__(self, seconds: float) -> None:
        assert 0 < seconds <= 2
        self.count += 1
        if self.then:
            self.then()


def through(relay: Relay, server: S3Server, pauses: Pauses) -> S3Pictures:
    options = server.options(uuid4().hex, endpoint=f"http://127.0.0.1:{relay.port}")
    return S3Pictures(Bucket(options), lambda: "a" * 32, retries=Retries(pause=pauses))


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
def relay(s3: S3Server) -> Iterator[Relay]:
    with relay_to(int(s3.endpoint.rpartition(":")[2])) as relay:
        yield relay


@pytest.fixture
def pictures(relay: Relay, s3: S3Server, pauses: Pauses) -> S3Pictures:
    return through(relay, s3, pauses)


def test_a_server_that_is_away_is_asked_again_and_then_told_of(
    pictures: S3Pictures, relay: Relay, pauses: Pauses
) -> None:
    relay.close()
    for act in (
        lambda: pictures.save(JPEG),
        lambda: pictures.open(NAME),
        lambda: pictures.delete([NAME]),
        lambda: list(pictures.names()),
        lambda: pictures.place(NAME),
        pictures.prepare,
    ):
        pauses.count = 0
        with pytest.raises(StoreUnavailable, match="does not answer"):
            act()
        assert pauses.count == 3
    relay.open = True
    assert list(pictures.names()) == []
    assert pictures.save(JPEG) == NAME


def test_a_server_that_comes_back_is_not_missed(
    pictures: S3Pictures, relay: Relay, pauses: Pauses
) -> None:
    def back() -> None:
        relay.open = pauses.count == 2

    relay.close()
    pauses.then = back
    assert pictures.save(JPEG) == NAME
    assert pauses.count == 2
    assert read(pictures, NAME) == JPEG


def test_nobody_waits_longer_than_the_request_may_take(
    pictures: S3Pictures, relay: Relay, pauses: Pauses
) -> None:
    relay.close()
    with deadline.deadline(0.05), pytest.raises(StoreUnavailable):
        pictures.save(JPEG)
    assert pauses.count == 0


def test_a_picture_whose_way_breaks_off_is_fetched_anew_and_never_half(
    pictures: S3Pictures, relay: Relay, pauses: Pauses
) -> None:
    name = pictures.save(LARGE)
    relay.break_after["from"] = len(LARGE) // 2
    assert read(pictures, name) == LARGE
    assert pauses.count == 1


def test_an_upload_that_breaks_off_leaves_nothing(pictures: S3Pictures, relay: Relay) -> None:
    once = S3Pictures(pictures._bucket, lambda: "a" * 32, retries=Retries(attempts=1))
    relay.break_after["to"] = len(LARGE) // 2
    with pytest.raises(StoreUnavailable):
        once.save(LARGE)
    assert list(once.names()) == []
    relay.break_after["to"] = len(LARGE) // 2
    assert read(pictures, pictures.save(LARGE)) == LARGE


def test_a_picture_that_is_not_whole_is_written_over(pictures: S3Pictures) -> None:
    pictures._bucket.call("put_object", NAME, Body=JPEG[:3])
    pictures.save(JPEG)
    assert read(pictures, NAME) == JPEG


def test_what_is_there_is_not_written_again(pictures: S3Pictures) -> None:
    pictures.save(JPEG)
    before = pictures._bucket.call("head_object", NAME)
    pictures.save(JPEG)
    assert pictures._bucket.call("head_object", NAME)["LastModified"] == before["LastModified"]


def test_several_servers_save_the_same_picture_at_the_same_time(
    tmp_path: Path, s3: S3Server
) -> None:
    options = s3.options(uuid4().hex)
    servers = [open_pictures(tmp_path, options) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        names = set(pool.map(lambda number: servers[number % 4].save(JPEG), range(16)))
    assert names == {NAME}
    assert list(servers[0].names()) == [NAME]


def test_a_place_of_another_gallery_is_refused_and_left_as_it_is(
    tmp_path: Path, s3: S3Server
) -> None:
    options = s3.options(uuid4().hex)
    first = open_pictures(tmp_path / "first", options)
    first.prepare()
    first.save(JPEG)
    second = open_pictures(tmp_path / "second", options)
    with pytest.raises(StoreMismatch, match=r"another gallery.*gallery\.id") as refused:
        second.prepare()
    assert list(first.names()) == [NAME]
    # As the message says: where the data folder was lost, another may take its place.
    (owner,) = re.findall("[0-9a-f]{32}", str(refused.value))[-1:]
    (tmp_path / "second" / "gallery.id").write_text(owner)
    second.prepare()
    first.prepare()


def test_hundreds_of_pictures_are_listed_and_deleted(tmp_path: Path, s3: S3Server) -> None:
    pictures = open_pictures(tmp_path, s3.options(uuid4().hex))
    with ThreadPoolExecutor(16) as pool:
        saved = list(pool.map(lambda number: pictures.save(f"{number}".encode()), range(1100)))
    assert sorted(pictures.names()) == sorted(saved)
    assert pictures.delete([*saved, "0" * 64 + ".jpg"]) == 1100
    assert list(pictures.names()) == []


def test_what_others_have_in_the_bucket_is_left_alone(tmp_path: Path, s3: S3Server) -> None:
    prefix = uuid4().hex
    bucket = Bucket(s3.options(""))
    for key in (f"{prefix}/notes.txt", f"{prefix}/deeper/{NAME}", f"{prefix}beside/{NAME}"):
        bucket.call("put_object", key, Body=b"of others")
    pictures = open_pictures(tmp_path, s3.options(prefix))
    pictures.prepare()
    assert PictureStore(pictures, in_use=lambda _: False).discard(pictures.names()) == 0
    assert (list(pictures.names()), pictures.strays()) == ([], [])
    assert bucket.call("head_object", f"{prefix}/deeper/{NAME}")["ContentLength"] == 9


def test_a_link_is_good_for_whoever_has_it(tmp_path: Path, s3: S3Server) -> None:
    options = s3.options(uuid4().hex)
    public = PlaceOptions(
        options.url, endpoint="http://127.0.0.1:1", region=options.region, public=s3.endpoint
    )
    open_pictures(tmp_path, options).save(JPEG)
    pictures = open_pictures(tmp_path, public)
    link = pictures.link(NAME)
    assert link is not None
    answer = requests.get(link.url, timeout=10)
    assert (answer.status_code, answer.content) == (200, JPEG)
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert requests.get(link.url.partition("?")[0], timeout=10).status_code == 403
    assert requests.get(link.url.replace(NAME[:8], "0" * 8), timeout=10).status_code == 403
    assert pictures.link("../../other.jpg") is None
    assert open_pictures(tmp_path, options).link(NAME) is None


def test_a_bucket_that_is_not_there_or_not_ours_is_named(
    tmp_path: Path, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = PlaceOptions("s3://other-bucket/x", endpoint=s3.endpoint, region="us-east-1")
    with pytest.raises(StoreError, match="s3://other-bucket/x cannot be used"):
        open_pictures(tmp_path, options).save(JPEG)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    with pytest.raises(StoreError, match="cannot be used"):
        open_pictures(tmp_path, s3.options("x")).save(JPEG)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(StoreError, match="credentials"):
        open_pictures(tmp_path, s3.options("x")).save(JPEG)


def test_places_are_known_by_the_beginning_of_their_url(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match=r"no place for pictures 'ftp'; there are: s3"):
        open_pictures(tmp_path, PlaceOptions("ftp://host/x"))
    for wrong in ("s3://", "s3:///prefix", "s3://bucket/x?y=z"):
        with pytest.raises(InvalidSetting, match="FACESERVER_PICTURES"):
            open_pictures(tmp_path, PlaceOptions(wrong))


def test_a_large_picture_is_sought_in(pictures: S3Pictures) -> None:
    name = pictures.save(LARGE)
    with pictures.open(name) as stream:
        assert stream.seek(-4, io.SEEK_END) == len(LARGE) - 4
        assert stream.read() == LARGE[-4:]
        stream.seek(0)
        assert sha256(stream.read()).hexdigest() + ".jpg" == name
    with pytest.raises(NotFound):
        pictures.open("1" * 64 + ".jpg")


def test_what_deleting_leaves_is_told(pictures: S3Pictures) -> None:
    assert pictures.remains() == ("replicas and backups of the bucket",)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"Status": "Enabled"}, "earlier versions of pictures: s3://faces/a has versioning"),
        ({"Status": "Suspended"}, "earlier versions of pictures: s3://faces/a has versioning"),
        (StoreError("the key may not"), "earlier versions of pictures, if the bucket keeps them"),
    ],
)
def test_versions_that_a_bucket_keeps_are_told(
    answer: dict[str, str] | StoreError, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = Bucket(PlaceOptions("s3://faces/a"))

    def call(operation: str) -> dict[str, str]:
        assert operation == "get_bucket_versioning"
        if isinstance(answer, StoreError):
            raise answer
        return answer

    monkeypatch.setattr(bucket, "call", call)
    remains = S3Pictures(bucket, lambda: "gallery").remains()
    assert remains == (told, "replicas and backups of the bucket")
