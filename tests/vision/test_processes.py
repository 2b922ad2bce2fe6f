"""Faces found in other processes: the same ones, whatever happens to these processes."""

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceserver import app
from faceserver.config import load_settings
from faceserver.errors import EngineUnavailable, ModelError, NotAnImage, TimedOut
from faceserver.pictures import codec
from faceserver.runtime import deadline, metrics
from faceserver.vision import processes
from faceserver.vision.analyzer import Analyzer
from faceserver.vision.processes import Workers, in_processes
from tests.support import stand_in_analyzers as stand_in
from tests.support.fakes import ColourDetector, ColourEmbedder, MirroredEmbedder
from tests.support.photographs import Photographs

LIMITS: dict[str, Any] = {"max_bytes": 10**7, "max_pixels": 10**7}


def colours(count: int) -> bytes:
    """A picture of so many faces."""
    tiles = np.zeros((16, 16 * count, 3), np.uint8)
    for at in range(count):
        tiles[:, 16 * at : 16 * at + 16] = (200, 10 * at, 40)
    return codec.encode_jpeg(tiles)


Start = Callable[..., tuple[Workers, Analyzer]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts so many workers with an analyzer before them; they are ended afterwards."""
    started: list[Analyzer] = []

    def begin(
        count: int = 1, make: Callable[[], Analyzer] = stand_in.made
    ) -> tuple[Workers, Analyzer]:
        workers = Workers(make, count)
        started.append(Analyzer(ColourDetector(), ColourEmbedder()).with_workers(workers))
        started[-1].warm_up()
        return workers, started[-1]

    yield begin
    for analyzer in started:
        analyzer.close()


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def is_running(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def test_the_same_pictures_and_faces(start: Start) -> None:
    workers, analyzer = start()
    local = stand_in.made()
    for count in (1, 5):
        data = colours(count)
        picture, faces = analyzer.read(data, **LIMITS)
        expected, found = local.read(data, **LIMITS)
        assert np.array_equal(picture.image, expected.image)
        assert not picture.image.flags.writeable
        assert (picture.width, picture.notes) == (expected.width, expected.notes)
        assert [face.detection for face in faces] == [face.detection for face in found]
        assert faces.refused == found.refused
        assert np.array_equal(analyzer.embed(faces), local.embed(found))
    assert analyzer.embed([]).shape == (0, 3)
    assert len(workers.pids()) == 1


def test_a_pictures_pixels_outlive_its_process(start: Start) -> None:
    _, analyzer = start()
    data = colours(3)
    picture, _ = analyzer.read(data, **LIMITS)
    analyzer.close()
    expected = codec.decode(data, **LIMITS).image
    assert np.array_equal(picture.image, expected)


def test_no_file_stays_open_for_a_picture(start: Start) -> None:
    _, analyzer = start()
    analyzer.read(colours(2), **LIMITS)
    before = open_files()
    for _ in range(20):
        analyzer.read(colours(2), **LIMITS)
    assert open_files() == before


def test_several_at_the_same_time(start: Start) -> None:
    workers, analyzer = start(2)
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda it: analyzer.read(colours(it), **LIMITS), [1, 2, 3, 4] * 5))
    assert [len(faces) for _, faces in found] == [1, 2, 3, 4] * 5
    assert len(set(workers.pids())) == 2


def test_errors_are_raised_here(start: Start) -> None:
    _, analyzer = start()
    with pytest.raises(NotAnImage, match="PDF"):
        analyzer.read(b"%PDF-1.7\n" + bytes(50), **LIMITS)
    _, faces = analyzer.read(colours(1), **LIMITS)  # and the next one is well
    assert len(faces) == 1


def test_the_steps_are_timed_here(start: Start) -> None:
    _, analyzer = start()
    with metrics.listening() as heard:
        _, faces = analyzer.read(colours(1), **LIMITS)
        analyzer.embed(faces)
    assert {"decode", "detect", "embed"} <= set(heard)


def test_a_worker_that_was_killed_is_replaced_and_nobody_notices(start: Start) -> None:
    workers, analyzer = start(2)
    before = set(workers.pids())
    for pid in before:
        os.kill(pid, signal.SIGKILL)
        _, faces = analyzer.read(colours(2), **LIMITS)
        assert len(faces) == 2
    for _ in range(4):
        analyzer.read(colours(1), **LIMITS)
    assert not before & set(workers.pids())


def test_a_picture_that_ends_a_worker_is_tried_once_more(start: Start, tmp_path: Path) -> None:
    _, analyzer = start(2)
    (tmp_path / "picture.jpg").write_bytes(colours(3))
    mark = stand_in.ENDS_ITS_FIRST_PROCESS + str(tmp_path / "picture").encode()
    _, faces = analyzer.read(mark, **LIMITS)
    assert len(faces) == 3


def test_a_picture_that_ends_two_workers_is_refused_and_others_are_not(start: Start) -> None:
    workers, analyzer = start(1)
    (before,) = workers.pids()
    with pytest.raises(EngineUnavailable, match="twice"):
        analyzer.read(stand_in.ENDS_ITS_PROCESS, **LIMITS)
    _, faces = analyzer.read(colours(2), **LIMITS)
    assert len(faces) == 2
    assert workers.pids() != [before]


def test_a_worker_that_does_not_answer_in_time_is_ended(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers, analyzer = start(1)
    (stuck,) = workers.pids()
    monkeypatch.setattr(processes, "_GRACE", 0.0)
    with pytest.raises(TimedOut), deadline.deadline(0.2):
        analyzer.read(stand_in.TAKES_FOREVER, **LIMITS)
    assert not is_running(stuck)
    _, faces = analyzer.read(colours(1), **LIMITS)
    assert len(faces) == 1


@pytest.mark.parametrize(
    ("make", "error"), [(stand_in.fails, ModelError), (stand_in.ends, EngineUnavailable)]
)
def test_what_cannot_be_started_says_so(
    start: Start, make: Callable[[], Analyzer], error: type[Exception]
) -> None:
    with pytest.raises(error):
        start(2, make)


def test_all_end_with_the_analyzer_and_with_the_server(start: Start) -> None:
    workers, analyzer = start(2)
    pids = workers.pids()
    assert all(map(is_running, pids))
    analyzer.close()
    analyzer.close()
    assert not any(map(is_running, pids))
    assert not workers.pids()


def test_signals_to_the_whole_group_do_not_end_a_worker(start: Start) -> None:
    workers, analyzer = start(1)
    (pid,) = workers.pids()
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(pid, number)
    analyzer.read(colours(1), **LIMITS)
    assert workers.pids() == [pid]


def test_another_model_is_embedded_here(start: Start) -> None:
    workers, analyzer = start(1)
    other = analyzer.with_embedder(MirroredEmbedder())
    workers.close()
    _, faces = other.read(colours(1), **LIMITS)
    assert np.array_equal(other.embed(faces), stand_in.made().embed(faces)[:, ::-1])


def test_without_processes_it_stays_as_it_is() -> None:
    analyzer = stand_in.made()
    assert in_processes(analyzer, stand_in.made, 0) is analyzer


def test_real_models_find_and_embed_the_same_in_another_process(
    start: Start, photographs: Photographs
) -> None:
    settings = load_settings(detector="yunet", model="sface", threads=1)
    local = app.make_analyzer(settings)
    _, analyzer = start(1, partial(app.make_analyzer, settings))
    data = photographs["obama.jpg"].read_bytes()
    picture, faces = analyzer.read(data, **LIMITS, attributes=("pose",))
    expected, found = local.read(data, **LIMITS, attributes=("pose",))
    assert np.array_equal(picture.image, expected.image)
    assert [face.detection for face in faces] == [face.detection for face in found]
    assert np.array_equal(analyzer.embed(faces), local.embed(found))
    assert local.tell(faces) == local.tell(found)
