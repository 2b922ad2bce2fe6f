"""docs/api.md: every example is run, against a real server, and none is missing."""

import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import requests

from faceserver import web
from faceserver.models.spec import EmbedderSpec, load_spec
from faceserver.web import v1
from tests.e2e.server import ROOT
from tests.support.photographs import Photographs
from tests.web.v1.live import Live, live

TEXT = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
MODEL = ROOT / "models" / "inception_resnet" / "20180408-102900"

EXAMPLE = re.compile(r"^<!-- (?P<note>.+?) -->\n```sh\n(?P<command>.+?)\n```$", re.M | re.S)
NOTE = re.compile(
    r"(?P<statuses>\d+(?: or \d+)*)(?: (?P<word>[A-Z]+)=(?P<place>\S+))?(?: after (?P<job>[A-Z]+))?"
)


@dataclass(frozen=True)
class Example:
    """A command, what it answers, what is remembered of it, and which job it waits for."""

    command: str
    statuses: tuple[int, ...]
    word: str | None
    place: str | None
    job: str | None


def examples() -> Iterator[Example]:
    for found in EXAMPLE.finditer(TEXT):
        note = NOTE.fullmatch(found["note"])
        assert note, found["note"]
        statuses = tuple(int(status) for status in note["statuses"].split(" or "))
        yield Example(found["command"], statuses, note["word"], note["place"], note["job"])


def at(answer: Any, place: str) -> str:
    for step in place.split("."):
        answer = answer[int(step)] if step.isdigit() else answer[step]
    return str(answer)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, photographs: Photographs) -> Iterator[Live]:
    with live(tmp_path_factory.mktemp("data"), photographs) as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path, photographs: Photographs, running: Live) -> Path:
    """What the examples find beside them."""
    for name, path in photographs.items():
        shutil.copyfile(path, tmp_path / name)
    with ZipFile(tmp_path / "people.zip", "w") as archive:
        archive.write(photographs["biden.jpg"], "Joe Biden/biden.jpg")
    answer = requests.post(
        f"{running.server.url}/v1/embed",
        headers={"Authorization": f"Bearer {running.key}"},
        files={"file": photographs["obama2.jpg"].read_bytes()},
        timeout=60,
    ).json()
    embedding = {"embedding": answer["faces"][0]["embedding"], "model": answer["model"]}
    (tmp_path / "embedding.json").write_text(json.dumps(embedding))
    return tmp_path


def test_the_examples_work_as_they_stand(folder: Path, running: Live) -> None:
    words = {"SERVER": running.server.url, "KEY": running.key}
    for example in examples():
        if example.job:
            wait_for(running, words[example.job])
        answer = run(example, folder, words, running)
        if example.word and example.place:
            words[example.word] = at(json.loads(answer), example.place)


def run(example: Example, folder: Path, words: dict[str, str], running: Live) -> str:
    command = example.command.replace("https://faces.example", running.site.url(""))
    command = command.replace("curl ", "curl --silent --show-error --write-out '\\n%{http_code}' ")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **words},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, (example.command, done.stderr)
    body, status = done.stdout.rsplit("\n", 1)
    assert int(status) in example.statuses, (example.command, done.stdout)
    return body


def wait_for(running: Live, job: str) -> None:
    url = f"{running.server.url}/v1/collections/staff/jobs/{job}"
    headers = {"Authorization": f"Bearer {running.key}"}
    for _ in range(2000):
        state = requests.get(url, headers=headers, timeout=60).json()["state"]
        if state not in ("queued", "running"):
            return
    raise AssertionError(f"the job is {state} still")


def test_every_operation_has_an_example() -> None:
    app = v1.make_app()
    v1.register(app)
    paths = app.api_doc["paths"].values()
    operations = {operation["operationId"] for path in paths for operation in path.values()}
    sections = re.split(r"^### ", TEXT, flags=re.M)[1:]
    shown = {part.split("\n", 1)[0] for part in sections if EXAMPLE.search(part)}
    assert shown == operations
    assert web.make_app is v1.make_app


def test_the_rates_are_those_of_the_model() -> None:
    curve = load_spec(MODEL, EmbedderSpec).distances.similarity
    assert curve
    rows = re.findall(r"^\| (0\.\d+|1\.\d+) \| (\S+) \| (\S+) % \| (\S+) % \|$", TEXT, re.M)
    assert rows == [
        (
            f"{rate.threshold:.2f}",
            f"{curve.of(rate.threshold):.3f}",
            f"{100 * rate.false_match:.2f}",
            f"{100 * rate.false_non_match:.2f}",
        )
        for rate in curve.rates
    ]
    content = tomllib.loads((MODEL / "model.toml").read_text(encoding="utf-8"))
    assert f"from {content['distances']['similarity']['same_pairs']}\npairs" in TEXT
