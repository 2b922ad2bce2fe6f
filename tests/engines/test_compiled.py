"""A cache of compiled networks is never needed: whatever is wrong with it, networks load."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from faceserver.engines import EngineOptions, make_engine
from faceserver.engines.compiled import CompiledNetworks
from faceserver.errors import StoreFull
from faceserver.models.spec import DetectorSpec, load_spec

ROOT = Path(__file__).resolve().parents[2]
FILES = load_spec(ROOT / "models" / "mtcnn", DetectorSpec).networks["rnet"]
BLOB = np.random.default_rng(0).standard_normal((1, 3, 24, 24)).astype(np.float32)


def computed(folder: Path | None) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    network = make_engine("openvino", EngineOptions(cache_dir=folder)).load(FILES, "f32")
    outputs = network.predict({network.inputs[0]: BLOB})
    return [outputs[name] for name in network.outputs]


def assert_the_same(folder: Path) -> None:
    for expected, found in zip(computed(None), computed(folder), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)


def missing(folder: Path) -> Path:
    return folder / "not" / "there"


def below_a_file(folder: Path) -> Path:
    (folder / "file").write_text("")
    return folder / "file" / "cache"


def unmakeable(_: Path) -> Path:
    return Path("/proc/cache")


def full(_: Path) -> Path:
    return Path("/dev/full")


@pytest.mark.parametrize("place", [missing, below_a_file, unmakeable, full])
def test_networks_load_wherever_the_folder_is(
    place: Callable[[Path], Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert_the_same(place(tmp_path))
    told = [record for record in caplog.records if "cannot be cached in" in record.message]
    assert len(told) == (place is not missing)


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda content: content[: len(content) // 2],
        lambda content: bytes(len(content)),
        lambda content: content[:-5] + bytes([content[-5] ^ 1]) + content[-4:],
        lambda _: b"something else",
    ],
)
def test_what_is_damaged_is_made_anew(
    damage: Callable[[bytes], bytes], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    computed(tmp_path)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert_the_same(tmp_path)
    assert "is damaged" in caplog.text
    caplog.clear()
    assert_the_same(tmp_path)
    assert "is damaged" not in caplog.text


def test_what_openvino_refuses_is_made_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    computed(tmp_path)
    (path,) = tmp_path.iterdir()
    CompiledNetworks(tmp_path).keep(path.stem, lambda: b"whole, but of another kind")
    assert_the_same(tmp_path)
    assert "is not taken" in caplog.text


def test_a_full_disk_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, _: bytes) -> None:
        raise StoreFull(f"{path} cannot be written: no space left on the device")

    monkeypatch.setattr("faceserver.engines.compiled.write_atomically", refuse)
    kept = CompiledNetworks(tmp_path)
    for key in ("a", "b"):
        kept.keep(key, lambda: b"")
    assert caplog.text.count("no space left on the device") == 1


def test_what_another_user_has_written_is_not_run(tmp_path: Path) -> None:
    kept = CompiledNetworks(tmp_path)
    kept.keep("a", lambda: b"content")
    assert kept.read("a") == b"content"
    if os.geteuid():
        pytest.skip("only root can give a file to another user")
    os.chown(tmp_path / "a.network", 65534, -1)
    assert kept.read("a") is None


# Modules and OpenVINO's libraries are loaded while the process may still read all places.
AS_ANOTHER_USER = """
import os, sys
from pathlib import Path
from tests.engines.test_compiled import assert_the_same
assert_the_same(Path(sys.argv[1]))
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
assert_the_same(Path(sys.argv[1]))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_runs_what_root_has_built(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    computed(cache)
    for folder in (cache, *cache.parents[:3]):
        folder.chmod(0o755)
    for mode in (0o600, 0o644):
        for path in cache.iterdir():
            path.chmod(mode)
        done = subprocess.run(
            [sys.executable, "-c", AS_ANOTHER_USER, str(cache)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert ("cannot be cached in" in done.stderr) == (mode == 0o600)  # root's own may be used
