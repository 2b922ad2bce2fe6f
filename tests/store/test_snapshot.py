"""Copies of the process."""

import os
from pathlib import Path
from threading import Event

import pytest
from threadpoolctl import threadpool_info

from faceserver.store.index.snapshot import ProcessCopy, allow_copies


def test_a_copy_has_the_memory_of_the_moment(tmp_path: Path) -> None:
    words = ["before"]
    copy = ProcessCopy(lambda: (tmp_path / "words").write_text(" ".join(words)))
    words.append("after")
    copy.wait()
    assert (tmp_path / "words").read_text() == "before"


def test_a_copy_has_none_of_the_open_files(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    never = Event()
    copy = ProcessCopy(never.wait)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read() == b""  # would wait for the copy, had it the other end
    copy.wait(patience=0)


def test_a_copy_that_does_not_end_is_ended() -> None:
    copy = ProcessCopy(Event().wait)
    copy.wait(patience=0)
    with pytest.raises(ChildProcessError):
        os.waitpid(copy._child, 0)


def test_numpy_multiplies_without_threads_of_its_own() -> None:
    allow_copies()
    libraries = [library for library in threadpool_info() if library["user_api"] == "blas"]
    assert libraries
    assert {library["num_threads"] for library in libraries} == {1}
