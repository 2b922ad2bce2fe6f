"""The tools for folders of photographs, on real models and the project's photographs."""

import base64
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from faceserver.cli.main import main
from faceserver.pictures import codec
from faceserver.types import Image
from tests.support.photographs import Photographs
from tests.vision.test_mtcnn import SEEN


@pytest.fixture(autouse=True)
def models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACESERVER_MODEL", "sface")
    monkeypatch.setenv("FACESERVER_DETECTOR", "yunet")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments)])


def decoded(data: bytes) -> Image:
    return codec.decode(data, max_bytes=10**8, max_pixels=10**8).image


@pytest.fixture
def album(tmp_path: Path, photographs: Photographs) -> Path:
    """Two men, one of them three times, and a photograph of nobody; two share a file name."""
    folder = tmp_path / "album"
    (folder / "2012").mkdir(parents=True)
    for name in ("obama.jpg", "obama2.jpg", "biden.jpg"):
        shutil.copy(photographs[name], folder / name)
    shutil.copy(photographs["obama3.jpg"], folder / "2012" / "obama.jpg")
    noise = np.random.default_rng(1).integers(0, 256, (90, 90, 3), np.uint8)
    (folder / "nobody.jpg").write_bytes(codec.encode_jpeg(noise))
    (folder / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    (folder / "notes.txt").write_text("passed over")
    return folder


@pytest.mark.parametrize(
    "command", ["scan", "bench-detect", "tune-detect", "stress-memory", "cluster"]
)
def test_every_command_has_help(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_scan_draws_into_copies_and_leaves_the_pictures(album: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in album.rglob("*.jpg")}
    out = tmp_path / "out"
    result = run("scan", album, "--out", out, "--attributes", "age,gender,pose")
    assert result.exit_code == 1  # one cannot be read
    assert "broken.jpg: refused" in result.output
    assert "obama.jpg: 1 face" in result.output
    assert "nobody.jpg: 0 faces" in result.output
    assert {path: path.read_bytes() for path in album.rglob("*.jpg")} == before
    copies = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert copies == {"obama.jpg", "obama2.jpg", "biden.jpg", "nobody.jpg", "2012/obama.jpg"}
    copy, own = decoded((out / "biden.jpg").read_bytes()), decoded(before[album / "biden.jpg"])
    assert copy.shape == own.shape
    changed = np.abs(copy.astype(int) - own).max(axis=2) > 100
    assert 0.0005 < changed.mean() < 0.1


def test_scan_tells_programs_what_it_finds(photographs: Photographs, tmp_path: Path) -> None:
    result = run(
        "scan", photographs["biden.jpg"], "--json", "--no-pictures", "--attributes", "gender"
    )
    ((face,),) = (each["faces"] for each in json.loads(result.stdout))
    assert np.abs(np.array(face["points"]) - SEEN["biden.jpg"]).max() < 20
    assert face["attributes"]["gender"]["value"] == "male"
    assert not Path("scanned").exists()


def test_scan_refuses_an_attribute_that_is_not_there(photographs: Photographs) -> None:
    result = run("scan", photographs["biden.jpg"], "--attributes", "shoe_size")
    assert result.exit_code == 1
    assert "there is no attribute 'shoe_size'" in result.output


@pytest.fixture
def annotations(tmp_path: Path, photographs: Photographs) -> Path:
    """The noses that a person sees, a picture without a face, and a mark where no face is."""
    noses: dict[str, list[list[float]]] = {}
    for name in ("obama.jpg", "biden.jpg"):
        shutil.copy(photographs[name], tmp_path / name)
        noses[name] = [list(SEEN[name][2])]
    noses["biden.jpg"].append([5.0, 5.0])
    (tmp_path / "grey.png").write_bytes(codec.encode_jpeg(np.full((90, 90, 3), 9, np.uint8)))
    noses["grey.png"] = []
    path = tmp_path / "annotations.json"
    path.write_text(json.dumps({"noses": noses, "same_person": []}))
    return path


def test_bench_detect_counts_what_is_found_and_missed(annotations: Path) -> None:
    result = run("bench-detect", annotations, "--detector", "mtcnn", "--detector", "yunet")
    assert result.exit_code == 0, result.output
    assert result.output.count("biden.jpg: 1 missed, 0 false") == 2
    found = json.loads(run("bench-detect", annotations, "--json", "--rounds", "1").stdout)
    (figures,) = found
    assert figures["detector"] == "yunet"
    assert (figures["marked"], figures["found"], figures["false"]) == (3, 2, 0)
    assert (figures["recall"], figures["precision"]) == (0.6667, 1.0)
    assert 0 <= figures["points_error"] < 0.05
    assert figures["milliseconds"] > 0


def test_tune_detect_names_the_best_option(annotations: Path) -> None:
    result = run("tune-detect", annotations, "--option", "score_threshold=0.5,0.99999")
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[-1] == (
        "best: FACESERVER_DETECTOR_OPTIONS='{\"score_threshold\": 0.5}'"
    )
    wrong = run("tune-detect", annotations, "--option", "shoe_size=4")
    assert "shoe_size" in wrong.output
    assert wrong.exit_code == 1
    assert "is not NAME=A,B" in run("tune-detect", annotations, "--option", "nothing").output


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no json", "cannot be read as JSON"),
        ("{}", "noses: Field required"),
        ('{"noses": {"a.jpg": [[1]]}}', "noses.a.jpg.0"),
        ('{"noses": {"a.jpg": []}}', "there is no photograph a.jpg beside it"),
    ],
)
def test_a_list_that_is_none_is_said(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "list.json").write_text(text)
    result = run("bench-detect", tmp_path / "list.json")
    assert result.exit_code == 1
    assert says in result.output


def test_stress_memory_tells_what_is_held(photographs: Photographs) -> None:
    result = run("stress-memory", photographs["biden.jpg"], "--rounds", "4", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert len(found["rounds"]) == 4
    assert found["pictures"] == 1
    assert 0 < found["loaded"] < 5000
    text = run("stress-memory", photographs["biden.jpg"], "--rounds", "2", "--limit", "500")
    assert text.exit_code == 0
    assert re.search(r"\d+ MB with the models loaded", text.output)


@pytest.mark.parametrize("copies", [True, False])
def test_cluster_makes_a_folder_for_each_person(album: Path, tmp_path: Path, copies: bool) -> None:
    out = tmp_path / "people"
    result = run("cluster", album, "--out", out, *(["--copies"] if copies else []))
    assert result.exit_code == 0, result.output
    assert "1 person in 4 faces; 1 face of people seen too rarely" in result.output
    assert "broken.jpg: refused" in result.output
    placed = {path.relative_to(out).as_posix(): path for path in out.rglob("*.jpg")}
    assert set(placed) == {
        "person-001/obama.jpg",
        "person-001/obama-2.jpg",
        "person-001/obama2.jpg",
        "alone/biden.jpg",
        "no-face/nobody.jpg",
    }
    assert all(path.is_symlink() != copies for path in placed.values())
    assert placed["alone/biden.jpg"].read_bytes() == (album / "biden.jpg").read_bytes()
    again = run("cluster", album, "--out", out)
    assert again.exit_code == 1
    assert "is not empty" in again.output


def test_cluster_writes_a_page_with_thumbnails(album: Path, tmp_path: Path) -> None:
    (album / "biden.jpg").rename(album / 'a "b" <c>.jpg')
    page = tmp_path / "people.html"
    assert run("cluster", album, "--html", page, "--least", "1").exit_code == 0
    text = page.read_text(encoding="utf-8")
    assert "<h2>Person 1 (3)</h2>" in text
    assert "<h2>Person 2 (1)</h2>" in text
    assert "&lt;c&gt;" in text
    assert "<c>" not in text
    thumbnails = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', text)
    assert [decoded(base64.b64decode(each)).shape for each in thumbnails] == [(112, 112, 3)] * 4


def test_cluster_takes_another_threshold(album: Path) -> None:
    found = json.loads(run("cluster", album, "--json", "--threshold", "0.0001").stdout)
    assert found["people"] == []
    assert found["threshold"] == 0.0001
    assert len(found["alone"]) == 4
    assert [Path(each["photograph"]).name for each in found["refused"]] == ["broken.jpg"]
    everybody = json.loads(run("cluster", album, "--json", "--threshold", "4").stdout)
    assert [len(person) for person in everybody["people"]] == [4]


def test_an_empty_folder_has_nobody(tmp_path: Path) -> None:
    result = run("cluster", tmp_path)
    assert result.exit_code == 0
    assert "0 people in 0 faces" in result.output
