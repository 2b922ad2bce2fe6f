"""Two servers on one database, over HTTP: whatever is done through one, the other tells at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from threading import Barrier
from typing import NamedTuple
from zipfile import ZipFile

import pytest

from faceserver import web
from faceserver.api.stranger import Stranger
from faceserver.client import ApiError, Client
from faceserver.config import load_settings
from faceserver.jobs.manager import Jobs
from faceserver.web.guard.auth import gate_of
from tests.services.test_facade import BLUE, GREEN, RED, png
from tests.web.fakes import FakeBackend
from tests.web.v1.conftest import make_service, served
from tests.web.v1.test_jobs import RED_URL, ended
from tests.web.v1.test_search import turned


class Two(NamedTuple):
    """Two servers, by their clients, and their jobs, which nobody works on until they start."""

    here: Client
    there: Client
    jobs_here: Jobs
    jobs_there: Jobs
    urls: tuple[str, str]


@pytest.fixture
def two(postgres_url: str, tmp_path: Path) -> Iterator[Two]:
    folder = tmp_path / "data"
    settings = load_settings(data_dir=folder, store=postgres_url, max_job_items=5)
    with ExitStack() as held:
        urls, jobs = [], []
        for _ in range(2):
            service = held.enter_context(closing(make_service(folder, address=postgres_url)))
            app = web.make_app()
            app.extensions["faceserver"] = FakeBackend(settings, real=service)
            web.init_app(app)
            held.callback(gate_of(app).close)
            urls.append(held.enter_context(served(app)))
            jobs.append(service.jobs)
        here, there = (held.enter_context(Client(url)) for url in urls)
        yield Two(here, there, jobs[0], jobs[1], (urls[0], urls[1]))


def test_pictures_and_faces(two: Two) -> None:
    here, there = two.here, two.there
    (face,) = here.add_faces("default", png(RED)).faces
    again = there.add_faces("default", png(RED))
    assert [one.id for one in again.faces] == [face.id], "the same picture is known to both"
    assert there.get_face("default", face.id).id == face.id
    assert there.get_face_picture("default", face.id) == here.get_face_picture("default", face.id)
    (probe,) = there.search("default", png(RED)).probes
    assert [hit.face.id for hit in probe.matches] == [face.id]
    there.tag_face("default", face.id, ["x"])
    assert here.list_faces("default", tag=["x"]).items[0].id == face.id
    assert there.delete_face("default", face.id).id == face.id
    assert here.search("default", png(RED)).probes[0].matches == ()
    with pytest.raises(ApiError) as error:
        here.get_face_picture("default", face.id)
    assert error.value.code == "not_found"


def test_people(two: Two) -> None:
    here, there = two.here, two.there
    ann, bob = (
        here.create_subject("default", name="Ann"),
        there.create_subject("default", name="Bob"),
    )
    with pytest.raises(ApiError) as error:
        there.create_subject("default", name="ANN")
    assert error.value.code == "already_exists"
    (face,) = there.add_faces("default", png(GREEN), subject=ann.id).faces
    assert here.get_subject("default", ann.id).faces == 1
    merge = here.merge_subject("default", ann.id, into=bob.id)
    assert there.get_face("default", face.id).subject == bob.id
    assert there.list_merges("default").items == (merge,)
    assert there.undo_merge("default", merge.id).id == ann.id
    here.change_subject("default", ann.id, name="Anna")
    assert there.list_subjects("default", name="Anna").items[0].id == ann.id
    assert there.delete_subject("default", ann.id).faces == 1
    assert here.list_subjects("default").items == (here.get_subject("default", bob.id),)


def test_collections(two: Two) -> None:
    here, there = two.here, two.there
    here.create_collection("staff")
    there.add_faces("staff", png(BLUE))
    assert here.get_collection("staff").faces == 1
    gone = here.delete_collection("staff")
    assert gone.faces == 1
    assert len(gone.beyond) > 0
    for client in (here, there):
        with pytest.raises(ApiError) as error:
            client.add_faces("staff", png(BLUE))
        assert error.value.code == "not_found"
    assert [one.name for one in there.list_collections().items] == ["default"]


def test_jobs(two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # They hear of one another's jobs; nobody needs to ask.
    monkeypatch.setattr("faceserver.jobs.shared.SharedJobTable.poll_seconds", 3600.0)
    here, there = two.here, two.there
    job = here.create_job("default", [RED_URL, "https://faces.example/gone"], key="k-1")
    assert there.create_job("default", [RED_URL, "https://faces.example/gone"], key="k-1") == job
    two.jobs_there.start()
    done = ended(here, job)
    assert (done.state, done.stored, done.refused) == ("done", 1, 1)
    path = tmp_path / "people.zip"
    with ZipFile(path, "w") as archive:
        archive.writestr("Ann/green.png", png(GREEN))
    second = here.create_job("default", path)
    assert ended(there, second).faces == 1
    assert here.list_subjects("default", name="Ann").items[0].faces == 1
    third = there.create_job("default", [RED_URL])
    two.jobs_here.start()
    assert ended(here, third).present == 1
    assert there.delete_job("default", third.id).id == third.id
    with pytest.raises(ApiError) as error:
        here.get_job("default", third.id)
    assert error.value.code == "not_found"


def test_keys(two: Two) -> None:
    made = two.here.create_key(name="phone", scope="admin")
    for client in (two.here, two.there):
        with pytest.raises(ApiError) as error:
            client.list_collections()
        assert error.value.code == "not_authenticated"
    with Client(two.urls[1], key=made.token) as there:
        assert [key.name for key in there.list_keys().items] == ["phone"]
        there.revoke_key(made.key.id)
        with pytest.raises(ApiError):
            there.list_keys()
    with Client(two.urls[0], key=made.token) as here, pytest.raises(ApiError) as error:
        here.list_collections()
    assert error.value.code == "not_authenticated"


def test_refusals_and_strangers(two: Two) -> None:
    here, there = two.here, two.there
    ann = here.create_subject("default", name="Ann")
    (face,) = here.add_faces("default", png(RED), subject=ann.id).faces
    refused = there.refuse_face("default", ann.id, face.id)
    assert [one.id for one in here.list_refusals("default").items] == [refused.id]
    here.undo_refusal("default", refused.id)
    assert there.list_refusals("default").items == ()
    first, again = (
        client.search_embedding("default", turned(90), model="colour", remember=True)
        .probes[0]
        .stranger
        for client in (here, there)
    )
    assert first
    assert again
    assert (again.id, first.seen, again.seen) == (first.id, 1, 2)
    here.promote_stranger("default", first.id, name="Bob")
    assert there.get_subject("default", first.id).name == "Bob"
    assert there.list_strangers("default").items == ()


def test_webhooks(two: Two) -> None:
    made = two.here.create_webhook("https://hooks.example/faces", ["match"]).webhook
    assert two.there.get_webhook(made.id).url == made.url
    sent = two.there.ping_webhook(made.id)
    assert [one.id for one in two.here.list_deliveries(made.id).items] == [sent.id]
    two.there.delete_webhook(made.id)
    assert two.here.list_webhooks().items == ()


def test_a_stranger_whom_both_see_first_is_one(two: Two) -> None:
    ready = Barrier(4)

    def seen(number: int) -> Stranger | None:
        client = (two.here, two.there)[number % 2]
        ready.wait()
        found = client.search_embedding("default", turned(0), model="colour", remember=True)
        return found.probes[0].stranger

    with ThreadPoolExecutor(4) as pool:
        found = [stranger for stranger in pool.map(seen, range(4)) if stranger]
    assert len({stranger.id for stranger in found}) == 1
    assert sorted(stranger.seen for stranger in found) == [1, 2, 3, 4]
