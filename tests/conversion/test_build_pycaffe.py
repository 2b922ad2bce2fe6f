"""The parts of scripts/build-pycaffe that take no compiler."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "build-pycaffe"


def build(*arguments: str, path: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{path}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("PYTHONPATH", None)
    command = ["sh", str(SCRIPT), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_what_is_built_is_not_built_again(tmp_path: Path) -> None:
    module = tmp_path / "python" / "caffe"
    module.mkdir(parents=True)
    (module / "__init__.py").touch()
    done = build(str(tmp_path), sys.executable)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("missing", ["libgflags-dev", "libhdf5-dev"])
def test_missing_packages_are_named_in_one_line(tmp_path: Path, missing: str) -> None:
    query = tmp_path / "bin" / "dpkg-query"
    query.parent.mkdir()
    query.write_text(
        f"""#!/bin/sh
for package; do :; done
[ "$package" = {missing} ] || printf 'install ok installed\\n'
"""
    )
    query.chmod(0o755)
    done = build(str(tmp_path / "out"), sys.executable, path=str(query.parent))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (f"error: Caffe needs these packages: apt-get install --yes {missing}\n")


def test_a_folder_must_be_named() -> None:
    done = build()
    assert done.returncode == 1
    assert done.stderr == "error: usage: scripts/build-pycaffe FOLDER [PYTHON]\n"
