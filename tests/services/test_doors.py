"""The same picture is the same, whichever door it comes by: nothing is stored twice."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from io import BytesIO
from itertools import permutations
from pathlib import Path
from threading import Barrier
from zipfile import ZipFile

import pytest

from faceserver.errors import NotFound
from faceserver.jobs.manager import Jobs
from faceserver.lifecycle import Services
from faceserver.services.context import LARGEST
from faceserver.services.outcomes import NewPicture, Registered
from faceserver.services.registering import Link
from faceserver.store.pictures import Keep
from faceserver.types import Face
from tests.services.test_facade import BLUE, GREEN, RED, png
from tests.support.services import Importer, add_picture, register
from tests.web.v1.conftest import make_service

PICTURE = png(RED, GREEN, BLUE)
URL = "https://faces.example/three"


def by_job(services: Services, file: BytesIO) -> None:
    jobs: Jobs = services.jobs
    job, _ = jobs.submit_zip("default", file, largest=False, key=None)
    for _ in range(10_000_000):
        if not jobs.get("default", job.id).is_open:
            return
    raise AssertionError(job)


def zipped() -> BytesIO:
    file = BytesIO()
    with ZipFile(file, "w") as archive:
        archive.writestr("three.png", PICTURE)
    file.seek(0)
    return file


DOORS: dict[str, Callable[[Services], object]] = {
    "v1": lambda services: add_picture(services, PICTURE, "v1"),
    "original": lambda services: register(services, ("three.png", PICTURE)),
    "original, by URL": lambda services: services.registering.add_urls([Link(URL)]),
    "job": lambda services: by_job(services, zipped()),
    "command line": lambda services: list(
        Importer(services).run([NewPicture.of_bytes("photos/three.png", PICTURE)])
    ),
}


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    with closing(make_service(tmp_path, lambda *_: PICTURE)) as made:
        yield made


def faces(services: Services) -> tuple[Face, ...]:
    return services.context.store.collection().faces(limit=99).items


@pytest.mark.parametrize("keep", ["originals", "crops", "nothing"])
@pytest.mark.parametrize(("first", "second"), [*permutations(DOORS, 2)])
def test_a_picture_that_is_in_stays_as_it_is(
    services: Services, keep: Keep, first: str, second: str
) -> None:
    services.context.pictures.keep = keep
    services.jobs.start()
    DOORS[first](services)
    before = faces(services)
    DOORS[second](services)
    assert [(face.id, face.source) for face in faces(services)] == [
        (face.id, face.source) for face in before
    ]
    assert len(before) == 3


def test_who_asks_is_answered_with_the_faces_that_are_stored(services: Services) -> None:
    first = add_picture(services, PICTURE)
    (again,) = register(services, ("other.png", PICTURE))
    assert isinstance(again, Registered)
    assert [face.id for face in again.faces] == [face.id for face in first.faces]
    assert (again.name, again.width, again.height) == ("other.png", first.width, first.height)
    one, other = register(services, ("a", png(RED)), ("b", png(RED)))
    assert one.faces[0].id == other.faces[0].id
    assert len(faces(services)) == 4


def test_what_is_missing_of_a_picture_is_stored_for_who_posts_it(services: Services) -> None:
    picture = NewPicture("a", lambda: PICTURE, choice=LARGEST)
    (largest,) = services.registering.add("default", picture).faces
    three = add_picture(services, PICTURE).faces
    assert three[0].id == largest.id
    assert len(faces(services)) == len(three) == 3
    services.faces.delete("default", three[0].id)
    assert [face.id for face in add_picture(services, PICTURE).faces] == [f.id for f in three]


def test_what_nobody_said_before_is_taken_over(services: Services) -> None:
    ann, ben = (services.people.add("default", name) for name in ("Ann", "Ben"))
    add_picture(services, PICTURE)
    named = add_picture(services, PICTURE, subject=ann.id)
    assert {face.subject for face in named.faces} == {ann.id}
    still = add_picture(services, PICTURE, subject=ben.id)
    assert {face.subject for face in still.faces} == {ann.id}
    with pytest.raises(NotFound):
        add_picture(services, PICTURE, subject="0" * 32)


def test_posted_at_the_same_moment_it_is_stored_once(services: Services) -> None:
    together = Barrier(4)

    def load() -> bytes:
        together.wait(60)
        return PICTURE

    def post(_: int) -> list[str]:
        added = services.registering.add("default", NewPicture("a", load))
        return [face.id for face in added.faces]

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(post, range(4)))
    assert answers == [answers[0]] * 4
    assert len(faces(services)) == 3
