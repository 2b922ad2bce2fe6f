"""Imports point one way, heavy libraries stay in their one file, and importing is cheap."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# A part may import those of its own layer and of the layers above it in this list.
LAYERS = [
    {"faceserver", "errors", "types", "registry", "config", "threads", "parallel", "api"},
    {
        "models",
        "modelfiles",
        "client",
        "images",
        "addresses",
        "fetch",
        "caffe",
        "engines",
        "access",
        "batcher",
        "deadline",
        "logs",
        "metrics",
    },
    {"plugins", "store"},
    {"analyzer"},
    {"registrar", "reembed", "evaluate"},
    {"usecases"},
    {"service"},
    {"transfer"},
    {"jobs"},
    {"web"},
    {"app"},
    {"server"},
    {"cli_output"},
    {"cli_remote"},
    {"cli_backup"},
    {"cli_transfer"},
    {"cli_keys"},
    {"cli_models"},
    {"cli_change", "cli_evaluate"},
    {"cli", "__main__"},
]

# Library -> the files that may import it.
HOMES = {
    "flask": {"app.py", "web/"},
    "babel": {"web/languages.py"},
    "flask_babel": {"web/"},
    "flask_bootstrap": {"web/frame.py"},
    "werkzeug": {"web/"},
    "flask_openapi3": {"web/"},
    "flask_openapi3_swagger": {"web/"},
    "waitress": {"server.py"},
    "click": {
        "cli.py",
        "cli_transfer.py",
        "cli_models.py",
        "cli_change.py",
        "cli_evaluate.py",
        "cli_remote.py",
        "cli_keys.py",
        "cli_output.py",
        "cli_backup.py",
    },
    "hnswlib": {"store/hnsw.py"},
    "sqlite3": {"store/sqlite.py", "store/maintenance.py", "access/keys.py"},
    "flask_limiter": {"web/limits.py"},
    "limits": {"web/ratecounts.py"},
    "prometheus_client": {"metrics.py"},
    "openvino": {"engines/openvino.py"},
    "threadpoolctl": {"store/snapshot.py"},
    "caffe": {"engines/caffe.py"},
    "cv2": {"engines/opencv.py", "plugins/geometry.py"},
    "PIL": {"images.py"},
    "requests": {"fetch.py", "client/"},
    "onnx": set(),
    "tensorflow": set(),
    "convert": set(),
}


def sources() -> list[Path]:
    package = ROOT / "faceserver"
    return [path for path in package.rglob("*.py") if not path.stem.endswith("_pb2")]


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports anywhere, as a dotted name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            assert node.module
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer(part: str) -> int | None:
    return next((index for index, parts in enumerate(LAYERS) if part in parts), None)


def part_of(path: Path) -> str:
    first = path.relative_to(ROOT / "faceserver").parts[0]
    return "faceserver" if first == "__init__.py" else first.removesuffix(".py")


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    own = layer(part_of(path))
    assert own is not None, f"{path} stands in no layer: add it to LAYERS and to the docs"
    for name in imported(path):
        if not name.startswith("faceserver."):
            continue
        other = layer(name.split(".")[1])
        if other is not None:  # what is no module is a name in faceserver/__init__.py
            assert other <= own, f"{path} imports {name}"


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_libraries_stay_in_their_files(path: Path) -> None:
    place = path.relative_to(ROOT / "faceserver").as_posix()
    for name in imported(path):
        homes = HOMES.get(name.split(".")[0])
        if homes is not None:
            assert any(place == home or place.startswith(home) for home in homes), (
                f"{path} imports {name}"
            )


def test_importing_loads_no_heavy_library() -> None:
    code = "import sys, faceserver.cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert loaded.isdisjoint({"cv2", "flask", "hnswlib", "openvino", "numpy", "PIL"})
