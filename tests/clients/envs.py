"""Other programs' own clients, unmodified, each in an environment of its own.

Some cannot be installed beside one another. What an environment holds is pinned with hashes: Python
packages in ``requirements/clients/NAME.txt``, packages of node in ``tests/clients/node/NAME`` with
its ``package.json`` and ``package-lock.json``. An environment is made when it is first needed, and
kept in ``.cache/clients`` under the hash of what it holds.
"""

import os
import shutil
import subprocess
import sys
import venv
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "clients"
_NODE = Path(__file__).parent / "node"
_SECONDS = 600


def python_of(name: str) -> Path:
    """The Python of an environment, with what its lock says and nothing else."""
    lock = ROOT / "requirements" / "clients" / f"{name}.txt"
    folder = CACHE / f"{name}-{_digest(lock)}"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        _run([str(ROOT / "scripts" / "install"), str(python), f"clients/{name}"])
        (folder / "complete").touch()
    return python


def node_of(name: str) -> Path:
    """A folder with the ``node_modules`` of an environment, to run scripts of the tests in."""
    source = _NODE / name
    folder = CACHE / f"{name}-{_digest(source / 'package-lock.json')}"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for file in ("package.json", "package-lock.json"):
            shutil.copy(source / file, folder)
        _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder)
        (folder / "complete").touch()
    return folder


def run_python(name: str, script: Path, *arguments: str, **environment: str) -> str:
    """Run a script of the tests in an environment; return what it printed.

    Raises:
        AssertionError: it failed; with what it printed.
    """
    return _run([str(python_of(name)), str(script), *arguments], environment=environment)


def run_node(name: str, script: Path, *arguments: str, **environment: str) -> str:
    """Run a script of the tests in node; return what it printed.

    Raises:
        AssertionError: it failed; with what it printed.
    """
    folder = node_of(name)
    place = folder / script.name  # modules are looked for beside the script
    shutil.copy(script, place)
    return _run(["node", str(place), *arguments], cwd=folder, environment=environment)


def run_bare_node(script: Path, *arguments: str) -> str:
    """Run a script of the tests in node, with what node itself has; return what it printed.

    Raises:
        AssertionError: it failed; with what it printed.
    """
    return _run(["node", str(script), *arguments])


def _digest(lock: Path) -> str:
    """Of a lock, and of the Python that compiled packages are for."""
    return sha256(lock.read_bytes() + sys.version.encode()).hexdigest()[:16]


def _run(command: list[str], *, cwd: Path = ROOT, environment: dict[str, str] | None = None) -> str:
    own = {key: value for key, value in os.environ.items() if "PYTHON" not in key}
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**own, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout
