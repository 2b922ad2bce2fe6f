"""What distances mean: labelled pairs, rates, the curve, and its place in model.toml."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from faceserver import app
from faceserver.cli.main import main
from faceserver.errors import InvalidArchive, ModelError
from faceserver.models.spec import Distances, SimilarityCurve
from faceserver.services.calibrating import (
    Measured,
    Pair,
    calibrate,
    measure,
    read_labels,
    roc_area,
    with_similarity,
)
from faceserver.vision.analyzer import Analyzer
from tests.services.test_facade import BLACK, BLUE, GREEN, PINK, RED, png
from tests.support.fakes import ColourDetector, ColourEmbedder

ANALYZER = Analyzer(ColourDetector(), ColourEmbedder())
PEOPLE = {"ann/1.png": RED, "ann/2.png": PINK, "ben/1.png": GREEN, "ben/2.png": GREEN}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, colour in PEOPLE.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(png(colour))
    return tmp_path


def distances(same: list[float], different: list[float]) -> Measured:
    return Measured(np.array(same, np.float32), np.array(different, np.float32))


def test_a_folder_gives_all_pairs(folder: Path) -> None:
    (folder / "notes.txt").write_text("no picture")
    labelled = read_labels(folder)
    assert [pair.same for pair in labelled.pairs] == [True, False, False, False, False, True]
    assert len(labelled.photographs()) == 4


def test_a_group_is_of_different_people(folder: Path) -> None:
    (folder / "group.png").write_bytes(png(RED, BLUE, GREEN))
    measured = measure(ANALYZER, read_labels(folder))
    assert (len(measured.same), len(measured.different)) == (2, 4 + 3)
    assert measured.same.max() < 0.1 < measured.different.min()


def test_a_list_gives_its_pairs(folder: Path) -> None:
    path = folder / "pairs.csv"
    path.write_text("ann/1.png, ann/2.png, same\n\nann/1.png,ben/1.png,DIFFERENT\n")
    labelled = read_labels(path)
    assert labelled.pairs == (
        Pair(folder / "ann/1.png", folder / "ann/2.png", True),
        Pair(folder / "ann/1.png", folder / "ben/1.png", False),
    )


@pytest.mark.parametrize("text", ["a.png,b.png\n", "a.png,b.png,maybe\n", 'a,"b', "\xff"])
def test_a_list_that_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pairs.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InvalidArchive):
        read_labels(path)


def test_what_shows_no_face_is_skipped_and_told(folder: Path) -> None:
    (folder / "ann" / "3.png").write_bytes(png(BLACK))
    (folder / "ann" / "4.png").write_bytes(b"no picture")
    seen: list[int] = []
    measured = measure(ANALYZER, read_labels(folder), advance=seen.append)
    assert [path.name for path, _ in measured.skipped] == ["3.png", "4.png"]
    assert sum(seen) == 6
    assert (len(measured.same), len(measured.different)) == (2, 4)


def test_both_kinds_of_pairs_are_wanted(tmp_path: Path) -> None:
    (tmp_path / "ann").mkdir()
    for name in ("1.png", "2.png"):
        (tmp_path / "ann" / name).write_bytes(png(RED))
    with pytest.raises(InvalidArchive, match="found 1 and 0"):
        measure(ANALYZER, read_labels(tmp_path))


def test_rates_are_counted() -> None:
    curve = calibrate(distances([0.1, 0.2, 0.6], [0.5, 0.9, 1.0, 1.2]), [0.3, 0.6, 1.1])
    told = [(rate.false_match, rate.false_non_match) for rate in curve.rates]
    assert told == [(0, 0.333333), (0.25, 0.333333), (0.75, 0)]
    assert (curve.same_pairs, curve.different_pairs) == (3, 4)


def test_the_curve_is_one_half_where_both_are_as_likely() -> None:
    same = np.linspace(0.2, 1.0, 400).tolist()
    different = np.linspace(0.6, 1.4, 100).tolist()  # fewer, which must not shift it
    curve = calibrate(distances(same, different), [])
    assert curve.midpoint == pytest.approx(0.8, abs=0.02)
    assert curve.of(curve.midpoint) == 0.5
    assert curve.of(0) > 0.9
    assert curve.of(4) < 0.1
    falling = [curve.of(distance) for distance in np.linspace(0, 4, 50)]
    assert falling == sorted(falling, reverse=True)


def test_the_curve_is_the_share_that_it_says() -> None:
    random = np.random.default_rng(1)
    same, different = random.normal(0.6, 0.2, 40_000), random.normal(1.2, 0.2, 40_000)
    curve = calibrate(distances(same.tolist(), different.tolist()), [])
    for distance in (0.7, 0.8, 0.9, 1.0, 1.1):
        near_same = np.mean(np.abs(same - distance) < 0.02)
        near_different = np.mean(np.abs(different - distance) < 0.02)
        share = near_same / (near_same + near_different)
        assert curve.of(distance) == pytest.approx(share, abs=0.04)


def test_pairs_that_are_quite_apart_make_no_step() -> None:
    curve = calibrate(distances([0.1, 0.2], [1.0, 1.1]), [])
    assert 0.05 < curve.of(1.0) < curve.of(0.2) < 0.95
    assert curve.of(1e9) >= 0


def test_wrong_labels_are_told() -> None:
    with pytest.raises(InvalidArchive, match="wrong labels"):
        calibrate(distances([1.0, 1.1], [0.1, 0.2]), [])


def test_the_area_under_the_roc_curve() -> None:
    assert roc_area(distances([0.1, 0.2], [0.3, 0.4])) == 1
    assert roc_area(distances([0.3, 0.4], [0.1, 0.2])) == 0
    assert roc_area(distances([0.1, 0.5], [0.1, 0.5])) == 0.5


def curve_of(text: str) -> SimilarityCurve | None:
    return Distances.model_validate(tomllib.loads(text)["distances"]).similarity


def test_the_curve_is_written_into_the_description() -> None:
    text = (
        '[distances]\nthreshold = 0.9\ncalibration = "none"\n\n[networks.embedder]\nsha256 = "x"\n'
    )
    one = calibrate(distances([0.1, 0.2], [0.9, 1.0]), [0.5])
    other = calibrate(distances([0.1, 0.3], [0.7, 1.0]), [0.4, 0.6])
    once = with_similarity(text, one)
    assert curve_of(once) == one
    twice = with_similarity(once, other)
    assert curve_of(twice) == other
    assert twice == with_similarity(text, other)
    assert tomllib.loads(twice)["networks"] == {"embedder": {"sha256": "x"}}


def test_distances_in_one_line_cannot_be_added_to() -> None:
    text = 'distances = { threshold = 0.9, calibration = "none" }\n'
    with pytest.raises(ModelError, match=r"\[distances\]"):
        with_similarity(text, calibrate(distances([0.1], [0.9]), []))


def test_the_command_prints_and_saves(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "ann" / "3.png").write_bytes(png(BLACK))
    model = tmp_path / "models" / "colour"
    model.mkdir(parents=True)
    description = model / "model.toml"
    description.write_text('[distances]\nthreshold = 0.9\ncalibration = "none"\n')
    monkeypatch.setenv("FACESERVER_MODELS_DIR", str(model.parent))
    monkeypatch.setenv("FACESERVER_MODEL", "colour")
    monkeypatch.setattr(app, "make_analyzer", lambda _: ANALYZER)
    before = description.read_text()
    printed = CliRunner().invoke(main, ["evaluate", str(folder)])
    assert printed.exit_code == 0, printed.output
    assert "2 pairs of the same person" in printed.output
    assert "3.png: skipped" in printed.output
    assert description.read_text() == before
    saved = CliRunner().invoke(main, ["evaluate", str(folder), "--save"])
    assert saved.exit_code == 0, saved.output
    curve = curve_of(description.read_text())
    assert curve
    assert (curve.same_pairs, curve.different_pairs) == (2, 4)
