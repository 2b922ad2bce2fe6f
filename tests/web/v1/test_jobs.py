"""Jobs over HTTP, through the package's own client."""

from functools import partial
from pathlib import Path
from zipfile import ZipFile

import pytest

from faceserver.api.jobs import Job, JobItem
from faceserver.client import ApiError, Client, every
from faceserver.jobs.manager import Jobs
from tests.services.test_facade import GREEN, RED, png

RED_URL = "https://faces.example/red"


def ended(client: Client, job: Job) -> Job:
    for _ in range(10_000):
        now = client.get_job("default", job.id)
        if now.state not in ("queued", "running"):
            return now
    raise AssertionError(now)


def test_urls_are_taken_in(client: Client, desk: Jobs) -> None:
    items: list[JobItem | str] = [
        JobItem(url=RED_URL, person="Ann", tags=("t",)),
        "https://faces.example/gone",
    ]
    job = client.create_job("default", items, key="k-1")
    assert (job.state, job.total, job.waiting, job.finished) == ("queued", 2, 2, None)
    assert client.create_job("default", items, key="k-1") == job
    desk.start()
    done = ended(client, job)
    assert (done.state, done.stored, done.refused, done.faces, done.waiting) == ("done", 1, 1, 1, 0)
    pages = partial(client.list_job_items, "default", job.id)
    stored, refused = every(pages, limit=1)
    assert (stored.number, stored.source, stored.person, stored.state) == (
        1,
        RED_URL,
        "Ann",
        "stored",
    )
    assert client.get_face("default", stored.faces[0]).tags == ("t",)
    assert (refused.state, refused.code) == ("refused", "url_failed")
    assert client.list_job_items("default", job.id, state="refused").items == (refused,)
    assert list(every(partial(client.list_jobs, "default"), limit=1)) == [done]
    assert client.delete_job("default", job.id).id == job.id
    with pytest.raises(ApiError) as error:
        client.get_job("default", job.id)
    assert error.value.code == "not_found"


def test_a_zip_is_taken_in(client: Client, desk: Jobs, tmp_path: Path) -> None:
    path = tmp_path / "people.zip"
    with ZipFile(path, "w") as archive:
        archive.writestr("Ann/two.png", png(RED, GREEN))
    job = client.create_job("default", path, largest=True)
    desk.start()
    assert ended(client, job).faces == 1
    assert client.list_subjects("default", name="Ann").items[0].faces == 1


def test_a_job_is_cancelled(client: Client) -> None:
    job = client.create_job("default", [RED_URL])
    with pytest.raises(ApiError) as error:
        client.delete_job("default", job.id)
    assert error.value.code == "conflict"
    assert client.cancel_job("default", job.id).state == "cancelled"
    with pytest.raises(ApiError) as error:
        client.cancel_job("default", job.id)
    assert error.value.code == "conflict"


def test_what_a_job_cannot_be(client: Client, tmp_path: Path) -> None:
    client.create_job("default", [RED_URL], key="k")
    bad = tmp_path / "bad.zip"
    bad.write_bytes(b"no zip")
    for items, key, code in (
        ([RED_URL, RED_URL], "k", "idempotency_key_reused"),
        ([RED_URL] * 6, None, "too_many_items"),
        (bad, None, "invalid_archive"),
        ([], None, "invalid_request"),
        ([RED_URL], "with blank ", "invalid_request"),
    ):
        with pytest.raises(ApiError) as error:
            client.create_job("default", items, key=key)
        assert error.value.code == code


def test_a_collection_takes_its_jobs_along(client: Client) -> None:
    client.create_collection("staff")
    job = client.create_job("staff", [RED_URL])
    client.delete_collection("staff")
    client.create_collection("staff")
    with pytest.raises(ApiError) as error:
        client.get_job("staff", job.id)
    assert error.value.code == "not_found"
