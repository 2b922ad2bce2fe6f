"""Nothing leaves the house: no command calls anybody, or leaves anything in the user's home."""

import json
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

from faceserver.cli.main import main
from faceserver.conversion.published import published
from faceserver.models.spec import EmbedderSpec, load_spec
from tests.support.photographs import Photographs
from tests.support.quiet_house import ROOT, House, quiet_house

FACENET = ROOT / "models" / "inception_resnet" / "20180408-102900"
SOURCES = ROOT / ".cache" / "sources"

SPEAKS_UP = """
import socket, subprocess, sys, threading
from pathlib import Path
thread = threading.Thread(target=lambda: socket.socket().connect_ex(("192.0.2.1", 80)))
thread.start(); thread.join()
try: socket.getaddrinfo("analytics.example", 443)
except OSError: pass
subprocess.run([sys.executable, "-IS", "-c",
    "import socket; socket.socket().connect_ex(('192.0.2.2', 80))"])
Path.home().joinpath("id").write_text("1")
import openvino_telemetry
"""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with quiet_house(tmp_path) as made:
        yield made


def test_what_does_leave_the_house_is_seen(house: House) -> None:
    house.run("-c", SPEAKS_UP)
    found = " ".join(house.left())
    for seen in ("192.0.2.1", "analytics.example", "192.0.2.2", " id", "openvino_telemetry"):
        assert seen in found


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_the_server_keeps_to_itself(house: House, photographs: Photographs, engine: str) -> None:
    if find_spec(engine) is None:
        pytest.skip(f"{engine} is not installed")
    house.environment["FACESERVER_ENGINE"] = engine
    process = subprocess.Popen(
        house.command(["-m", "faceserver", "serve", "--port", "0"]),
        env=house.environment,
        cwd=house.work,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    with process, process.stdout:
        lines = iter(process.stdout)
        address = next(line for line in lines if "http://" in line).split()[-1]
        next(line for line in lines if line.startswith("Ready"))
        try:
            for path in ("faceRegister", "faceRetrieve"):
                assert post(f"{address}{path}", photographs["obama.jpg"])["faces"]
            for page in ("", "docs", "health", "metrics", "v1/status"):
                urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address + page)
        finally:
            process.send_signal(signal.SIGTERM)
        for _ in lines:
            pass
    assert process.returncode == 0
    assert house.left() == []


def post(url: str, picture: Path) -> dict[str, object]:
    head = b'--x\r\nContent-Disposition: form-data; name="p"; filename="p.jpg"\r\n\r\n'
    body = head + picture.read_bytes() + b"\r\n--x--\r\n"
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    request = urllib.request.Request(url, body, kind)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        found: dict[str, object] = json.load(answer)
    return found


COMMANDS = (
    ("register", "him.jpg"),
    ("search", "him.jpg"),
    ("import", "people"),
    ("export", "export.zip"),
    ("backup", "backup.zip"),
    ("restore", "backup.zip", "--force"),
    ("check",),
    ("check", "--repair"),
    ("change-model", "sface"),
    ("keys", "create", "--name", "phone", "--scope", "read"),
    ("keys", "list"),
    ("audit",),
    ("collections", "create", "others"),
    ("collections", "list"),
    ("keys", "revoke", "phone"),
    ("models", "build"),
    ("models", "list"),
    ("models", "show", "mtcnn"),
    ("models", "verify"),
    ("models", "pull"),
    ("models", "convert", "sface.onnx", "converted", "--normalization", "none"),
    ("models", "add", "sface", "--name", "own"),
    ("models", "export-triton", "triton"),
    ("models", "remove", "own"),
    ("scan", "people", "--out", "drawn"),
    ("cluster", "people", "--out", "grouped"),
    ("evaluate", "people"),
    ("bench-detect", "noses.json", "--rounds", "1"),
    ("tune-detect", "noses.json"),
    ("stress-memory", "people", "--rounds", "2"),
    ("gen-example-json", "him.jpg", "him.jpg", "--output", "two.json"),
    ("import-face-id", "vectors", "--model", "sface"),
    ("db", "upgrade"),
    ("settings",),
    ("purge", "--all", "--yes"),
)
"""Each command, in an order that gives most of them something to work on. What they end with is not
judged here: vectors and a database are missing."""

ELSEWHERE = {("serve",), ("import-compreface",)}
"""Run by other tests: the server by the one above, and a command that calls whom it is told to."""


def test_the_commands_keep_to_themselves(house: House, photographs: Photographs) -> None:
    for name, person in (("obama", "him"), ("obama2", "him"), ("biden", "another")):
        folder = house.work / "people" / person
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(photographs[f"{name}.jpg"], folder)
    shutil.copy(photographs["obama.jpg"], house.work / "him.jpg")
    (house.work / "noses.json").write_text('{"noses": {"him.jpg": [[487, 309]]}}')
    (house.work / "vectors").mkdir()
    shutil.copytree(ROOT / "models" / "sface", house.work / "sface")
    shutil.copy(ROOT / "models" / "sface" / "sface.onnx", house.work)
    models = house.work / "models"
    models.mkdir()
    for folder in (ROOT / "models").iterdir():
        (models / folder.name).symlink_to(folder)
    house.environment["FACESERVER_MODELS_DIR"] = str(models)
    for arguments in COMMANDS:
        told = house.run("-m", "faceserver", *arguments, well=None)
        assert house.left() == [], (arguments, told)


def test_every_command_is_among_them() -> None:
    tried = ELSEWHERE | {given[:length] for given in COMMANDS for length in (1, 2)}
    assert set(leaves(main)) <= tried


def leaves(group: click.Group) -> Iterator[tuple[str, ...]]:
    """Every command, by the words that call it."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from ((name, *rest) for rest in leaves(command))
        else:
            yield (name,)


def test_the_converters_keep_to_themselves(house: House) -> None:
    """With the packages of the weights in their folder, as after ``make models``."""
    models = house.work / "models"
    shutil.copytree(
        ROOT / "models" / "mtcnn", models / "mtcnn", ignore=shutil.ignore_patterns("*.onnx")
    )
    house.run(ROOT / "convert" / "build.py", "--models", models, "--cache", SOURCES)
    assert (models / "mtcnn" / "det1.onnx").is_file()
    assert house.left() == []

    det1 = models / "mtcnn" / "det1"
    caffe = (det1.with_suffix(".prototxt"), det1.with_suffix(".caffemodel"))
    house.run(ROOT / "convert" / "caffe2onnx.py", "--check", *caffe, house.work / "det1.onnx")
    assert house.left() == []

    mtcnn = house.work / "mtcnn"
    mtcnn.mkdir()
    for name in ("pnet", "rnet", "onet"):
        (source,) = SOURCES.glob(f"*/{name}.onnx")
        shutil.copy(source, mtcnn)
    house.run(ROOT / "convert" / "mtcnn2caffe.py", mtcnn, house.work / "out")
    assert house.left() == []


def facenet() -> Path:
    return published("facenet").fetch(load_spec(FACENET, EmbedderSpec), SOURCES)


def test_tf2caffe_keeps_to_itself(house: House) -> None:
    house.run(ROOT / "convert" / "tf2caffe.py", facenet(), house.work / "out", "--check")
    assert house.left() == []


@pytest.mark.convert
def test_tf2coreml_keeps_to_itself(house: House) -> None:
    house.run(ROOT / "convert" / "tf2coreml.py", facenet(), house.work / "out", "--check")
    assert house.left() == []


@pytest.mark.convert
def test_tensorflow_keeps_to_itself(house: House) -> None:
    code = (
        "from faceserver.conversion.readers.tensorflow_library import tensorflow;"
        "tf = tensorflow('to try it'); tf.keras.layers.Dense; print(tf.constant(1) + 1)"
    )
    house.run("-c", code)
    assert house.left() == []
