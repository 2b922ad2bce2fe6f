"""The benchmarks' own parts; what they measure is measured by `make bench`."""

from pathlib import Path
from xml.etree import ElementTree

from benchmarks.chart import chart
from benchmarks.pictures import variants
from benchmarks.report import Row, as_json, machine, table
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
