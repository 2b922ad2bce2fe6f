"""Imports point one way, heavy libraries stay in their one file, and importing is cheap."""

import ast
import subprocess
import sys
from collections.abc import Container, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# A room may import its own modules and those of the rooms above it in this list.
LAYERS = [
    {"faceserver", "errors", "types", "conditions", "texts", "folders", "layout", "config"},
    {"runtime", "api"},
    {"pictures", "models"},
    {"engines", "access", "client"},
    {"vision", "store"},
    {"services", "evaluation"},
    {"transfer"},
    {"tools"},
    {"jobs", "webhooks"},
    {"lifecycle"},
    {"web"},
    {"app"},
    {"server"},
    {"conversion"},
    {"cli", "__main__"},
]

# Library -> the files that may import it.
HOMES = {
    "flask": {"app/", "web/"},
    "babel": {"web/pages/languages.py"},
    "flask_babel": {"web/"},
    "werkzeug": {"web/"},
    "flask_openapi3": {"web/"},
    "flask_openapi3_swagger": {"web/"},
    "waitress": {"server/"},
    "click": {"cli/"},
    "hnswlib": {"store/index/hnsw.py"},
    "sqlite3": {
        "runtime/database.py",
        "store/sqlite/maintenance.py",
        "access/keys.py",
        "access/keyfile.py",
    },
    "psycopg": {
        "runtime/postgres.py",
        "runtime/postgres_listening.py",
        "runtime/postgres_transaction.py",
    },
    "psycopg_pool": {"runtime/postgres.py"},
    "flask_limiter": {"web/guard/limits.py"},
    "limits": {"web/guard/ratecounts.py"},
    "prometheus_client": {"runtime/metrics.py"},
    "boto3": {"store/pictures/s3/bucket.py"},
    "botocore": {"store/pictures/s3/bucket.py"},
    "tritonclient": {"engines/oip/"},
    "grpc": {"engines/oip/"},
    "openvino": {"engines/openvino_library.py"},
    "threadpoolctl": {"store/index/snapshot.py"},
    "caffe": {"engines/caffe.py"},
    "onnxruntime": {"engines/onnxruntime_library.py"},
    "cv2": {
        "engines/opencv.py",
        "pictures/jpeg_decoder.py",
        "vision/geometry.py",
        "vision/crops.py",
        "conversion/",
    },
    "PIL": {
        "pictures/codec.py",
        "pictures/colour.py",
        "pictures/drawing.py",
        "pictures/incomplete.py",
        "pictures/jpeg_decoder.py",
        "pictures/opening.py",
        "pictures/pillow_decoder.py",
        "conversion/",
    },
    "simplejpeg": {"pictures/jpeg_decoder.py"},
    "pi_heif": {"pictures/opening.py"},
    "pillow_jxl": {"pictures/opening.py"},
    "requests": {
        "pictures/direct.py",
        "pictures/fetch.py",
        "pictures/httpauth.py",
        "pictures/upstream.py",
        "client/",
        "engines/oip/http.py",
    },
    "idna": {"api/urls.py"},
    "onnx": {"conversion/"},
    "google": {"conversion/"},
    "tensorflow": {"conversion/readers/"},
    "torch": {"conversion/readers/"},
    "coremltools": {"conversion/coreml/"},
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


def room_of(module: str) -> str:
    """The room of a module, by its dotted name below ``faceserver``."""
    room = ".".join(module.split(".")[:2])
    return room if layer(room) is not None else module.split(".", maxsplit=1)[0]


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT / "faceserver").with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__") or "faceserver"


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    own = layer(room_of(module_of(path)))
    assert own is not None, f"{path} stands in no layer: add it to LAYERS and to the docs"
    for name in imported(path):
        if not name.startswith("faceserver."):
            continue
        other = layer(room_of(name.removeprefix("faceserver.")))
        if other is not None:  # what is no module is a name in faceserver/__init__.py
            assert other <= own, f"{path} imports {name}"


def test_no_modules_import_each_other() -> None:
    """Neither two of them nor by a detour, and not for their types alone either."""
    modules = {f"faceserver.{module_of(path)}": path for path in sources()}
    left = {name: set(own_imports(path, modules)) - {name} for name, path in modules.items()}
    while free := {name for name, others in left.items() if not others}:
        left = {name: others - free for name, others in left.items() if name not in free}
    assert not left, f"in a circle, or above one: {sorted(left)}"


def own_imports(path: Path, modules: Container[str]) -> Iterator[str]:
    """The modules that a file imports from; a package itself only where a name of its own is."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found = inner if inner in modules else str(node.module)
                if found in modules:
                    yield found


# What a store answers with; names and pages, but no way to change anything.
RESULTS = "faceserver.store.results"


@pytest.mark.parametrize(
    "path", [*(ROOT / "faceserver/web").rglob("*.py")], ids=lambda path: str(path.relative_to(ROOT))
)
def test_no_route_touches_a_store(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for name in imported(path):
        assert not name.startswith("faceserver.store") or name.startswith(RESULTS), (
            f"{path} imports {name}: call a service"
        )
    reached = [node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    assert "context" not in reached, f"{path} reaches through a service: call it"
    assert "store" not in reached, f"{path} reaches a store: call a service"


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
    code = "import sys, faceserver.cli.main; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert loaded.isdisjoint({"cv2", "flask", "hnswlib", "openvino", "numpy", "PIL"})


def test_serving_needs_neither_the_converters_nor_their_libraries() -> None:
    code = """
import sys
import faceserver.app, faceserver.server, faceserver.engines.opencv, faceserver.engines.openvino
import faceserver.vision.facenet, faceserver.vision.mtcnn
print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "openvino" in loaded
    assert loaded.isdisjoint({"faceserver.conversion", "google.protobuf", "onnx", "tensorflow"})
