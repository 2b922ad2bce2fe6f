"""The wheel in an empty environment, used from an empty folder, as a newcomer does."""

import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.e2e.server import Server
from tests.support.photographs import Photographs

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.packaging


class Installed:
    """An environment with the wheel and what it depends on, and a home of its own."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        self.bin = folder / "env" / "bin"
        self._environment = {
            **{name: value for name, value in os.environ.items() if "FACESERVER_" not in name},
            "HOME": str(self.home),
            "XDG_DATA_HOME": str(self.home / "data"),
            "XDG_CACHE_HOME": str(self.home / "cache"),
        }
        venv.create(folder / "env", with_pip=True)
        _pip(sys.executable, "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT))
        (wheel,) = folder.glob("faceserver-*.whl")
        versions = folder / "versions.txt"
        versions.write_text(_locked_versions(), encoding="utf-8")
        _pip(str(self.bin / "python"), "install", "-c", str(versions), str(wheel))
        _pip(str(self.bin / "python"), "check")

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [self.bin / "faceserver", *arguments],
            env=self._environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def _pip(python: str, *arguments: str) -> None:
    command = [python, "-m", "pip", *arguments, "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _locked_versions() -> str:
    """The lock's versions without hashes and extras: a release of today changes nothing here."""
    lock = (ROOT / "requirements" / "base.txt").read_text(encoding="utf-8")
    pins = re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?(==[^\s\\;]+)", lock, re.MULTILINE)
    return "\n".join(name + version for name, version in pins)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(tmp_path_factory.mktemp("wheel"))


def test_models_are_built_and_a_person_is_found(
    installed: Installed, photographs: Photographs
) -> None:
    assert installed.run("--version").startswith("faceserver, version ")
    assert "checked; differs" in installed.run("models", "build")
    models = installed.home / "data" / "faceserver" / "models"
    assert installed.run("models", "build") == f"All models in {models} are built.\n"
    shipped = len(list((ROOT / "models").rglob("model.toml")))
    assert installed.run("models", "verify").count("all well") == shipped
    installed.run("register", str(photographs["obama.jpg"]), str(photographs["biden.jpg"]))
    found = installed.run("search", str(photographs["obama2.jpg"]))
    assert [line.rsplit("/", 1)[-1] for line in found.splitlines()] == ["obama.jpg"]


def test_the_server_starts_and_answers(
    installed: Installed, photographs: Photographs, tmp_path: Path
) -> None:
    installed.run("models", "build")
    data = installed.home / "data" / "faceserver"
    with Server(
        tmp_path / "faces",
        command=[str(installed.bin / "faceserver")],
        models_dir=str(data / "models"),
        cache_dir=str(tmp_path / "cache"),
    ) as server:
        assert server.register(photographs["obama.jpg"]).ok
        (match,) = server.retrieve(photographs["obama2.jpg"]).json()["faces"]
        assert match["distance"] < 0.85
        page = server.get("/faceRegister.html")
        assert page.ok
        assert server.get("/static/app.css").ok
