"""A request's time: asked for between the steps, and nobody else's."""

import threading

import pytest

from faceserver.errors import TimedOut, TooManyFaces
from faceserver.runtime import deadline as deadline_module
from faceserver.runtime.deadline import check, deadline
from faceserver.vision.analyzer import Analyzer
from tests.support.fakes import ColourDetector, ColourEmbedder
from tests.support.picture_files import gradient


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(deadline_module, "monotonic", lambda: now[0])
    return now


def test_time_runs_out(clock: list[float]) -> None:
    check()
    with deadline(5):
        clock[0] += 5
        check()
        clock[0] += 0.1
        with pytest.raises(TimedOut):
            check()
    check()


def test_another_thread_has_time(clock: list[float]) -> None:
    raised: list[BaseException] = []

    def work() -> None:
        try:
            check()
        except TimedOut as error:
            raised.append(error)

    with deadline(1):
        clock[0] += 2
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert raised == []


def test_finding_and_embedding_ask(clock: list[float]) -> None:
    analyzer = Analyzer(ColourDetector(), ColourEmbedder())
    faces = analyzer.find(gradient())
    with deadline(1):
        clock[0] += 2
        with pytest.raises(TimedOut):
            analyzer.find(gradient())
        with pytest.raises(TimedOut):
            analyzer.embed(faces)


def test_the_faces_of_a_picture_are_counted() -> None:
    count = len(Analyzer(ColourDetector(), ColourEmbedder()).find(gradient()))
    assert count > 1
    embedder = ColourEmbedder()
    assert len(Analyzer(ColourDetector(), embedder, max_faces=count).find(gradient())) == count
    limited = Analyzer(ColourDetector(), embedder, max_faces=count - 1).with_embedder(embedder)
    with pytest.raises(TooManyFaces, match=f"{count} faces"):
        limited.find(gradient())
