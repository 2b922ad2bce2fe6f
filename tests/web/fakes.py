"""An in-memory service: pictures are known by their bytes, faces and distances are given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Self, cast

import numpy as np
from flask import Flask

from faceserver import web
from faceserver.config import Settings
from faceserver.errors import EmptyFile, InputError, NoFace, NotAnImage, NotFound, NotReady
from faceserver.jobs.manager import Jobs
from faceserver.lifecycle import Services
from faceserver.services.outcomes import NewPicture, Refused, Registered
from faceserver.services.registering import Link
from faceserver.store.base import StoreStatus
from faceserver.types import Box, Detection, Face, Match

WIDTH, HEIGHT = 100, 80

FACE = Detection(
    Box(10.4, 20.6, 50.5, 60.2),
    ((20.1, 30.9), (40.2, 31.1), (30.3, 40.0), (22.0, 50.4), (38.8, 50.6)),
    0.99,
)
FACE_ANSWER = {"box": [10, 21, 50, 60], "pt": [20, 40, 30, 22, 39, 31, 31, 40, 50, 51]}

BEYOND = Detection(
    Box(-12.0, -0.4, 130.0, 90.0),
    ((-3.0, 5.0), (99.6, 5.0), (50.0, 40.0), (1.0, 80.0), (100.0, 200.0)),
    0.9,
)
BEYOND_ANSWER = {"box": [0, 0, 99, 79], "pt": [0, 99, 50, 1, 99, 5, 5, 40, 79, 79]}

FACES: Mapping[bytes, Sequence[Detection]] = {
    b"one face": [FACE],
    b"two faces": [FACE, BEYOND],
    b"landscape": [],
}


def stored(detection: Detection, picture: str, source: str = "a.jpg") -> Face:
    return Face(
        id="0" * 32,
        embedding=np.zeros(4, np.float32),
        detection=detection,
        picture=picture,
        source=source,
        created=datetime(2020, 1, 1, tzinfo=UTC),
    )


class FakeService:
    """Registers the pictures of FACES; whatever else it gets is no picture.

    Attributes:
        registered: names of the pictures whose faces are stored.
        web: what lies behind each URL: bytes, or the error that fetching it raises.
        matches: what a search answers, each as distance and picture.
        crash: raised by every call, if set.
        links: what was fetched, with its credentials.
        pictures: where each stored picture lies, by its name.
        shown: names of the pictures that show faces of the default collection.
    """

    def __init__(self) -> None:
        self.registered: list[str] = []
        self.web: dict[str, bytes | InputError] = {}
        self.matches: list[tuple[float, str]] = []
        self.crash: Exception | None = None
        self.shown: set[str] = set()
        self.links: list[Link] = []
        self.pictures: dict[str, Path] = {}

    @property
    def registering(self) -> Self:
        return self

    searching = faces = collections = registering

    @property
    def jobs(self) -> Jobs:
        raise NotReady("the fake has no jobs")

    def add_all(self, pictures: Sequence[NewPicture]) -> list[Registered | Refused]:
        if self.crash:
            raise self.crash
        return [self._one(picture.source, picture.load()) for picture in pictures]

    def add_urls(self, links: Sequence[Link]) -> list[Registered | Refused]:
        self.links += links
        return [self._fetched(link.url, self.web[link.url]) for link in links]

    def by_only_face(self, data: bytes) -> list[Match]:
        found = self._one("probe", data)
        if isinstance(found, Refused):
            raise found.error
        return [Match(stored(FACE, picture), distance) for distance, picture in self.matches]

    def status(self) -> StoreStatus:
        return StoreStatus(faces=0, indexed=0, collections=())

    def open_stored(self, name: str, *, of: str | None = None) -> IO[bytes]:
        is_shown = of is None or (of == "default" and name in self.shown)
        if not is_shown or not self.pictures.get(name, Path()).is_file():
            raise NotFound(f"there is no picture {name!r}")
        return self.pictures[name].open("rb")

    def _fetched(self, url: str, content: bytes | InputError) -> Registered | Refused:
        return Refused(url, content) if isinstance(content, InputError) else self._one(url, content)

    def _one(self, name: str, data: bytes) -> Registered | Refused:
        if not data:
            return Refused(name, EmptyFile("the file is empty"))
        if data not in FACES:
            return Refused(name, NotAnImage("no picture"))
        if not FACES[data]:
            return Refused(name, NoFace("no face was found"))
        self.registered.append(name)
        picture = f"{len(self.registered):032x}.jpg"
        faces = tuple(stored(detection, picture, name) for detection in FACES[data])
        return Registered(name, picture, WIDTH, HEIGHT, faces)


@dataclass
class FakeBackend:
    """A backend whose state is set by the test."""

    settings: Settings
    fake: FakeService = field(default_factory=FakeService)
    real: Services | None = None
    status: str = "ready"
    reason: str | None = None
    draining: bool = False
    pictures: dict[str, Path] = field(default_factory=dict)

    def services(self) -> Services:
        if self.status != "ready":
            raise NotReady(self.reason or self.status)
        self.fake.pictures = self.pictures
        return self.real or cast("Services", self.fake)

    def health(self) -> Mapping[str, object]:
        return {"status": self.status, "reason": self.reason, "faces": len(self.fake.registered)}


def make_app(backend: FakeBackend, **settings: object) -> Flask:
    """The web application before a backend whose settings may be changed."""
    app = web.make_app()
    changed = backend.settings.model_copy(update=settings)
    app.extensions["faceserver"] = replace(backend, settings=changed)
    web.init_app(app)
    return app
