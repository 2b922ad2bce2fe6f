"""``faceserver import-face-id``, in a data folder of its own."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from faceserver.app import open_gallery
from faceserver.cli.main import main
from faceserver.config import load_settings


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACESERVER_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "vectors").mkdir()
    np.save(tmp_path / "vectors" / "2576.npy", np.arange(128, dtype=np.float32))


def run(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["import-face-id", str(folder / "vectors"), *options])


def test_vectors_come_into_a_collection_of_their_model(tmp_path: Path) -> None:
    done = run(tmp_path, "--model", "sface")
    assert done.exit_code == 0, done.output
    assert "1 vector of 1 files stored in 'face-id'" in done.output
    again = run(tmp_path, "--model", "sface")
    assert "0 vectors of 0 files stored in 'face-id', 1 already there" in again.output
    with closing(open_gallery(load_settings(), any_model=True)) as store:
        held = store.collection("face-id")
        assert (held.model, held.count()) == ("sface", 1)
        assert held.subject_named("2576") is not None


def test_what_is_refused_is_told(tmp_path: Path) -> None:
    (tmp_path / "vectors" / "3.pt").write_bytes(b"no zip")
    done = run(tmp_path, "--model", "sface", "--collection", "people")
    assert done.exit_code == 1
    assert "3.pt: " in done.output
    assert "1 refused" in done.output


def test_another_model_is_refused(tmp_path: Path) -> None:
    run(tmp_path, "--model", "sface")
    other = run(tmp_path, "--model", "inception_resnet/20180408-102900")
    assert other.exit_code == 1
    assert "holds faces of sface" in other.output
    assert run(tmp_path, "--model", "nothing").exit_code == 1


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "vectors" / "2576.npy").unlink()
    assert "no .pt or .npy file" in run(tmp_path, "--model", "sface").output
