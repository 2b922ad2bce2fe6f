"""The models that a server has, with what is known of them."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from faceserver.cli.main import main
from faceserver.client import Client
from faceserver.config import Settings, load_settings
from tests.services.test_facade import RED, png

DESCRIPTION = """\
kind = "embedder"
name = "{name}"
architecture = "colour"
source = "made by a test"
licence = "MIT"
trained_on = "tiles"
not_for = "telling tiles of one colour apart"
dims = 3
networks = {{}}

[input]
normalization = {{ kind = "whiten" }}

[crop]
kind = "square"
side = 1
lowered = 0
size = 16

[distances]
threshold = 0.1
calibration = "by hand"

[[distances.measured]]
name = "warm colours"
photographs = 9
not_detected = 0.1
same_pairs = 5
different_pairs = 4000
false_match = 0.001
false_non_match = 0.2
true_accept = {rate}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(
        data_dir=tmp_path / "data",
        models_dir=tmp_path / "models",
        model="tiles/colour",
        max_file_bytes=10_000,
    )


@pytest.fixture
def models_dir(settings: Settings) -> Path:
    for name, rate in (("colour", 0.5), ("mirrored", 0.75)):
        path = settings.models_dir / "tiles" / name / "model.toml"
        path.parent.mkdir(parents=True)
        path.write_text(DESCRIPTION.format(name=name, rate=rate))
    return settings.models_dir


def test_models_are_listed_with_what_they_may_be_used_for(client: Client, models_dir: Path) -> None:
    colour, mirrored = client.list_models().items
    assert (colour.name, colour.folder, colour.kind, colour.dims) == (
        "colour",
        "tiles/colour",
        "embedder",
        3,
    )
    assert (colour.licence, colour.trained_on) == ("MIT", "tiles")
    assert "apart" in colour.not_for
    assert (colour.threshold, colour.calibration) == (0.1, "by hand")
    (group,) = colour.measured
    assert (group.name, group.false_match, group.true_accept) == ("warm colours", 0.001, 0.5)
    assert (colour.default, mirrored.default) == (True, False)
    assert (colour.proposed, mirrored.proposed) == (False, True)


def test_a_model_is_loaded_when_a_collection_of_it_is_used(
    client: Client, models_dir: Path
) -> None:
    def loaded() -> list[bool]:
        return [model.loaded for model in client.list_models().items]

    assert loaded() == [True, False]
    (proposed,) = [model for model in client.list_models().items if model.proposed]
    assert client.create_collection("other", model=proposed.name).model == "mirrored"
    assert loaded() == [True, False]
    client.add_faces("other", png(RED))
    assert loaded() == [True, True]


def test_models_that_nobody_measured_are_not_proposed(client: Client, models_dir: Path) -> None:
    path = models_dir / "tiles" / "mirrored" / "model.toml"
    path.write_text(path.read_text().split("[[distances.measured]]")[0])
    assert [model.proposed for model in client.list_models().items] == [True, False]


def test_models_are_compared_by_what_all_were_measured_on(client: Client, models_dir: Path) -> None:
    path = models_dir / "tiles" / "colour" / "model.toml"
    easy = path.read_text().split("[[distances.measured]]")[1]
    easy = easy.replace("warm colours", "easy colours").replace("0.5", "1.0")
    path.write_text(f"{path.read_text()}\n[[distances.measured]]{easy}")
    assert [model.proposed for model in client.list_models().items] == [False, True]


def test_the_commands_tell_the_same(models_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACESERVER_MODELS_DIR", str(models_dir))
    monkeypatch.setenv("FACESERVER_MODEL", "tiles/colour")
    listed = CliRunner().invoke(main, ["models", "list"])
    assert listed.exit_code == 0, listed.output
    colour, mirrored = listed.output.splitlines()
    assert "TAR 0.50, least 0.50" in colour
    assert "in use" in colour
    assert "the most accurate" in mirrored
    shown = CliRunner().invoke(main, ["models", "show", "colour"])
    assert shown.exit_code == 0, shown.output
    for text in ("tiles", "telling tiles of one colour apart", "by hand", "warm colours", "0.10%"):
        assert text in shown.output
    unknown = CliRunner().invoke(main, ["models", "show", "none"])
    assert unknown.exit_code == 1
    assert "models list" in unknown.output
