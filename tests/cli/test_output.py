"""Progress is shown where somebody sees it, and nowhere else."""

import io
import sys

import pytest

from faceserver.cli.output import Stages, counted, progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_numbers_and_nouns() -> None:
    assert [counted(number, "face") for number in (0, 1, 2)] == ["0 faces", "1 face", "2 faces"]


def test_pieces_are_shown_with_their_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with progress("Pictures", 40) as advance:
        for _ in range(40):
            advance(1)
    shown = terminal.getvalue()
    assert "Pictures" in shown
    assert "40/40" in shown
    assert "/s" in shown


def test_a_stage_ends_when_the_next_one_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with Stages(in_bytes=True) as stages:
        stages.begin("Faces", 10)(10)
        written = stages.begin("Writing", 3_000_000)
        written(1_500_000)
    faces, writing = terminal.getvalue().split("\n")[:2]
    assert "Faces" in faces
    assert "100%" in faces
    assert "Writing" in writing
    assert "50%" in writing
    assert "MB/s" in writing
    assert "3000000" not in writing


def test_nothing_is_shown_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with Stages() as stages:
        stages.begin("Rows", 2)(2)
    assert capsys.readouterr() == ("", "")
