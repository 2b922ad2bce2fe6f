"""The benchmarks' own parts; what they measure is measured by `make bench`."""

import argparse
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from benchmarks import __main__ as everything
from benchmarks import machines
from benchmarks.chart import chart
from benchmarks.engines import rows_of
from benchmarks.pictures import variants
from benchmarks.report import Row, as_json, machine, table
from benchmarks.rounds import speed_row
from faceserver.pictures import codec
from tests.support.picture_files import encode, picture

ROWS = [
    Row("a face, in batches of 1", "ours", 5.0, "ms", "2.0 x theirs"),
    Row("a face, in batches of 8", "ours", 2.5, "ms"),
    Row("a face, in batches of 1", "theirs & co", 10.0, "ms"),
    Row("embedding", "gone", None, "ms", "absent: it is not installed"),
]


def test_the_table_names_what_is_absent() -> None:
    lines = table(ROWS).splitlines()
    assert len(lines) == 2 + len(ROWS)
    assert lines[2] == "| a face, in batches of 1 | ours | 5 ms | 2.0 x theirs |"
    assert lines[-1] == "| embedding | gone | - | absent: it is not installed |"
    assert as_json(ROWS)[-1]["value"] is None


def test_the_machine_is_described_without_its_name() -> None:
    assert set(machine()) == {"processor", "cores", "extensions", "memory_gb"}


def test_the_chart_has_a_bar_for_each_figure() -> None:
    svg = ElementTree.fromstring(chart("Faces a second", "a machine", ROWS))
    space = "{http://www.w3.org/2000/svg}"
    _, *bars = svg.iter(f"{space}rect")
    assert [round(float(bar.attrib["width"])) for bar in bars] == [220, 440, 110]
    texts = [text.text for text in svg.iter(f"{space}text")]
    assert "theirs & co" in texts
    assert "400 /s (8 at once)" in [" ".join((text or "").split()) for text in texts]


def test_variants_of_a_picture_are_different_pictures(tmp_path: Path) -> None:
    path = tmp_path / "picture.jpg"
    path.write_bytes(encode(picture(), "JPEG"))
    files = list(variants(path, 8))
    assert len(set(files)) == 8
    decoded = {
        codec.decode(each, max_bytes=10**6, max_pixels=10**6).image.tobytes() for each in files
    }
    assert len(decoded) == 8


def test_a_ratio_names_whom_it_is_to_and_the_absent_have_none() -> None:
    absent: dict[str, str | None] = {
        "faceserver auto": None,
        "pycaffe": "it is not installed",
        "onnxruntime": None,
    }
    here = [name for name, why in absent.items() if why is None]
    times = {
        (name, batch): [batch * 10.0 * (1 + at)]
        for at, name in enumerate(here)
        for batch in (1, 8, 16)
    }
    rows = {(row.who, row.what): row for row in rows_of(absent, times)}
    assert rows["faceserver auto", "a face, in batches of 8"].note == "2.0 x onnxruntime"
    assert rows["onnxruntime", "a face, in batches of 8"].note == ""
    assert rows["pycaffe", "embedding"].note == "absent: it is not installed"
    assert not any("pycaffe" in row.note for row in rows.values())


def test_ratios_of_those_who_take_turns_are_medians_of_the_rounds() -> None:
    times = {
        ("ours", "alone"): np.array([10.0, 10.0, 50.0]),
        ("theirs", "alone"): np.array([20.0, 30.0, 200.0]),
    }
    row = speed_row("ours", "alone", times, ("absent", "theirs"))
    assert (row.value, row.note) == (10.0, "3.0 x theirs")
    assert speed_row("theirs", "alone", times, ("absent", "theirs")).note == ""


MACHINES: list[dict[str, Any]] = [
    {
        "machine": {"processor": "One", "cores": 2},
        "parts": {"A": {"measured": "now", "rows": as_json(ROWS)}},
    },
    {
        "machine": {"processor": "Other", "cores": 4, "called": "The other"},
        "parts": {
            "A": {"measured": "then", "rows": as_json(ROWS[1:2])},
            "B": {"measured": "then", "rows": as_json(ROWS[:1])},
        },
    },
]


def test_machines_stand_side_by_side() -> None:
    first, second = machines.tables(MACHINES).split("### B")
    assert first.splitlines()[2] == "| | | One, 2 cores | The other, 4 cores |"
    assert "| ours | a face, in batches of 1 | 5 ms (2.0 x theirs) |  |" in first
    assert "| ours | a face, in batches of 8 | 2.5 ms | 2.5 ms |" in first
    assert "| gone | embedding | absent: it is not installed |  |" in first
    assert "One" not in second


def test_the_document_shows_what_was_kept() -> None:
    text = machines.DOCUMENT.read_text(encoding="utf-8")
    assert machines.document(text, machines.load()) == text


def test_what_is_measured_takes_its_own_place_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = tmp_path / "benchmarks.md"
    document.write_text(machines.DOCUMENT.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(machines, "FOLDER", tmp_path)
    monkeypatch.setattr(machines, "DOCUMENT", document)
    about = {
        "processor": "Intel(R) Xeon(R) Processor",
        "cores": 2,
        "extensions": ["avx2", "amx_int8"],
    }
    machines.save(about, "quiet", {"A": ROWS, "B": ROWS[:1]})
    machines.save(about, "busy", {"A": ROWS[1:2]})
    (kept,) = machines.load()
    assert [path.name for path in tmp_path.glob("*.json")] == ["intel-xeon-amx-int8-2-cores.json"]
    assert len(kept["parts"]["A"]["rows"]) == 1
    assert kept["parts"]["A"]["measured"].endswith("busy")
    assert kept["parts"]["B"]["measured"].endswith("quiet")
    assert "2.5 ms" in document.read_text(encoding="utf-8")


def test_no_part_is_begun_that_would_end_too_late(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = argparse.Namespace(minutes=1.0, faces=0)
    parts = {"short": (20, lambda _: ROWS), "long": (90, lambda _: ROWS)}
    monkeypatch.setattr(everything, "PARTS", parts)
    assert list(everything.run(told)) == ["short"]
    assert "left out" in capsys.readouterr().out
    assert everything.seconds(told) == 110


def test_all_of_it_takes_less_than_ten_minutes() -> None:
    assert everything.seconds(argparse.Namespace(faces=100_000)) < 600
