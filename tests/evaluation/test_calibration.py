"""What distances mean: thresholds, the curve, and its place in model.toml; the command."""

import json
import stat
import tomllib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from faceserver import app
from faceserver.cli.main import main
from faceserver.errors import InvalidArchive, ModelError
from faceserver.evaluation.calibration import (
    cautious_threshold,
    fit_similarity,
    with_calibration,
)
from faceserver.evaluation.histograms import BINS, PairCounts, bins_of
from faceserver.models.distances import Distances, Measured
from faceserver.vision import architectures
from tests.evaluation.conftest import DETECTOR
from tests.services.test_facade import BLACK, png
from tests.support.fakes import ColourEmbedder


def counts(same: Sequence[float], different: Sequence[float]) -> PairCounts:
    found = [np.bincount(bins_of(np.array(part)), minlength=BINS) for part in (same, different)]
    return PairCounts(found[0], found[1], found[0][None], found[1][None])


def test_rates_are_counted() -> None:
    curve = fit_similarity([counts([0.1, 0.2, 0.62], [0.5, 0.9, 1.0, 1.2])], [0.3, 0.6, 1.1])
    told = [(rate.false_match, rate.false_non_match) for rate in curve.rates]
    assert told == [(0, 0.333333), (0.25, 0.333333), (0.75, 0)]
    assert (curve.same_pairs, curve.different_pairs) == (3, 4)


def test_the_curve_is_one_half_where_both_are_as_likely() -> None:
    same = np.linspace(0.2, 1.0, 400).tolist()
    different = np.linspace(0.6, 1.4, 100).tolist()  # fewer, which must not shift it
    curve = fit_similarity([counts(same, different)], [])
    assert curve.midpoint == pytest.approx(0.8, abs=0.02)
    assert curve.of(curve.midpoint) == 0.5
    assert curve.of(0) > 0.9
    assert curve.of(4) < 0.1
    falling = [curve.of(distance) for distance in np.linspace(0, 4, 50)]
    assert falling == sorted(falling, reverse=True)


def test_the_curve_is_the_share_that_it_says() -> None:
    random = np.random.default_rng(1)
    same, different = random.normal(0.6, 0.2, 40_000), random.normal(1.2, 0.2, 40_000)
    curve = fit_similarity([counts(same.tolist(), different.tolist())], [])
    for distance in (0.7, 0.8, 0.9, 1.0, 1.1):
        near_same = np.mean(np.abs(same - distance) < 0.02)
        near_different = np.mean(np.abs(different - distance) < 0.02)
        share = near_same / (near_same + near_different)
        assert curve.of(distance) == pytest.approx(share, abs=0.04)


def test_pairs_that_are_quite_apart_make_no_step() -> None:
    curve = fit_similarity([counts([0.1, 0.2], [1.0, 1.1])], [])
    assert 0.05 < curve.of(1.0) < curve.of(0.2) < 0.95
    assert curve.of(1e9) >= 0


def test_wrong_labels_are_told() -> None:
    with pytest.raises(InvalidArchive, match="wrong labels"):
        fit_similarity([counts([1.0, 1.1], [0.1, 0.2])], [])


def test_each_set_weighs_the_same() -> None:
    large = counts([0.3] * 500 + [0.8] * 500, [1.2] * 500 + [1.0] * 500)
    small = counts([0.2, 0.4], [0.4, 0.7])
    of_large, of_small, both = (
        fit_similarity(sets, []).midpoint for sets in ([large], [small], [large, small])
    )
    assert of_small + 0.1 < both < of_large - 0.1


def test_the_cautious_threshold_is_that_of_the_hardest_set() -> None:
    easy = counts([0.1], np.linspace(1.0, 2.0, 1001).tolist())
    hard = counts([0.1], np.linspace(0.5, 2.0, 1501).tolist())
    assert cautious_threshold([easy], 0.01) == pytest.approx(1.01)
    assert cautious_threshold([easy, hard], 0.01) == pytest.approx(0.51)
    assert np.mean(np.linspace(0.5, 2.0, 1501) < cautious_threshold([hard], 0.02)) <= 0.02


DESCRIPTION = """\
kind = "embedder"
name = "colour"
architecture = "colour"
source = "made by a test"
licence = "MIT"
dims = 3

[input]
normalization = { kind = "whiten" }

[crop]
kind = "square"
side = 1
lowered = 0
size = 16

[distances]
threshold = 0.9
calibration = "none"

[networks.embedder]
onnx = "x.onnx"
"""


def saved(text: str) -> Distances:
    return Distances.model_validate(tomllib.loads(text)["distances"])


def distances(threshold: float, *sets: str) -> Distances:
    return Distances(
        threshold=threshold,
        calibration='of "these" pairs',
        similarity=fit_similarity([counts([0.1, 0.2], [0.9, 1.0])], [0.5, threshold]),
        measured=tuple(
            Measured(
                name=name,
                photographs=7,
                not_detected=0.1,
                same_pairs=2,
                different_pairs=2,
                false_match=0,
                false_non_match=0.5,
            )
            for name in sets
        ),
    )


def test_distances_are_written_into_the_description() -> None:
    one, other = distances(0.7, "women", "men"), distances(0.8, "children")
    once = with_calibration(DESCRIPTION, one)
    assert saved(once) == one
    twice = with_calibration(once, other)
    assert saved(twice) == other
    assert twice == with_calibration(DESCRIPTION, other)
    assert tomllib.loads(twice)["networks"] == {"embedder": {"onnx": "x.onnx"}}


def test_distances_in_one_line_cannot_be_added_to() -> None:
    text = 'distances = { threshold = 0.9, calibration = "none" }\n'
    with pytest.raises(ModelError, match=r"\[distances\]"):
        with_calibration(text, distances(0.7))


@pytest.fixture
def description(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a model and a detector that need no files."""
    path = tmp_path / "models" / "colour" / "model.toml"
    path.parent.mkdir(parents=True)
    path.write_text(DESCRIPTION)
    tiles = tmp_path / "models" / "tiles" / "model.toml"
    tiles.parent.mkdir()
    tiles.write_text(
        'kind = "detector"\nname = "tiles"\narchitecture = "tiles"\nsource = "a test"\n'
        'licence = "MIT"\nnetworks = {}\n[input]\nnormalization = { kind = "whiten" }\n'
    )
    monkeypatch.setenv("FACESERVER_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("FACESERVER_MODEL", "colour")
    monkeypatch.setenv("FACESERVER_DETECTOR", "tiles")
    monkeypatch.setattr(app, "make_detector", lambda _: DETECTOR)
    monkeypatch.setattr(architectures, "make_embedder", lambda *_: ColourEmbedder())
    return path


def run(*arguments: object) -> Result:
    done = CliRunner().invoke(main, ["evaluate", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done


def test_the_command_prints(folder: Path, description: Path) -> None:
    (folder / "ann" / "3.png").write_bytes(png(BLACK))
    printed = run(folder).output
    assert "3.png: skipped: no face was found" in printed
    assert "tiles + colour" in printed
    assert "2, 4" in printed  # pairs
    assert description.read_text() == DESCRIPTION


def test_the_command_saves(folder: Path, description: Path) -> None:
    run(folder, "--save")
    kept = saved(description.read_text())
    assert kept.threshold == 0.1  # the model's own
    assert kept.similarity
    assert (kept.similarity.same_pairs, kept.similarity.different_pairs) == (2, 4)
    assert [each.name for each in kept.measured] == ["people"]
    assert "people (4 photographs); 2 pairs of the same person, 4 of" in kept.calibration
    assert "with the detector tiles" in kept.calibration
    run(folder, "--save", "--target", "0.5")
    chosen = saved(description.read_text())
    assert chosen.threshold != 0.1
    assert "above 0.5" in chosen.calibration


def test_several_sets_models_and_ways_in_one_run(folder: Path, description: Path) -> None:
    csv = folder / "pairs.csv"
    csv.write_text("ann/1.png,ann/2.png,same,a\nann/1.png,ben/1.png,different,a\n")
    crop = 'kind="stretched", side=1.38'
    found = json.loads(
        run(folder, csv, "--model", "colour", "--crop", crop, "--mirror", "--json").stdout
    )
    names = [
        "tiles + colour",
        "tiles + colour, mirrored",
        f"tiles + colour, {crop}",
        f"tiles + colour, {crop}, mirrored",
    ]
    assert [each["model"] for each in found["calibrations"]] == names
    assert [(each["set"], each["model"]) for each in found["judgements"]] == [
        (name, model) for name in ("people", "pairs", "pairs: a") for model in names
    ]
    # A group's pairs are counted with the list that they are a part of.
    assert found["calibrations"][0]["similarity"]["same_pairs"] == 2 + 1


def test_thresholds_for_a_large_gallery(folder: Path, description: Path) -> None:
    few, many = (
        json.loads(run(folder, "--json", "--gallery", size).stdout)["calibrations"][0]["threshold"]
        for size in (1, 100_000)
    )
    assert many <= few


def test_the_report_is_for_its_owner_alone(folder: Path, description: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    run(folder, "--report", page)
    for path in (page, tmp_path / "report.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = page.read_text()
    assert text.count('src="data:image/jpeg;base64,') == 2 * (2 + 4)
    assert "<polyline" in text
    assert "http" not in text.replace("http-equiv", "")
    assert json.loads((tmp_path / "report.json").read_text())["judgements"][0]["set"] == "people"


def test_names_in_a_report_are_no_markup(folder: Path, description: Path, tmp_path: Path) -> None:
    odd = folder.rename(folder.with_name("<script>alert(1)</script>".replace("/", "")))
    (odd / "ann").rename(odd / '"><b>')
    run(odd, "--report", tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert "<script" not in text
    assert '"><b>' not in text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--model", "none"], "there are: colour"),
        (["--detector", "colour"], "there are: tiles"),
        (["--crop", "side"], "no recipe"),
        (["--crop", 'kind="square"'], "no recipe"),
        (["--crop", 'kind="stretched", side=1, size=9'], "crops of 16 pixels"),
        (["--target", "0"], "--target"),
    ],
)
def test_what_cannot_be_judged_is_told(
    arguments: list[str], told: str, folder: Path, description: Path
) -> None:
    done = CliRunner().invoke(main, ["evaluate", str(folder), *arguments])
    assert done.exit_code != 0
    assert told in done.output


def test_the_command_saves_to_a_model_by_another_programs_name(
    folder: Path, description: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESERVER_MODEL", "insightface.Calculator@colour")
    run(folder, "--save")
    once = description.read_text()
    assert saved(once).measured
    run(folder, "--save", "--target", "0.5", "--model", "insightface.Calculator@colour")
    assert saved(description.read_text()).threshold != saved(once).threshold
