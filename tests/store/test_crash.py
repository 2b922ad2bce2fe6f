"""Killed at any moment, the store has every face that it acknowledged, and no other."""

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from time import sleep
from typing import IO

from faceserver.store import Options, open_store
from faceserver.store.sqlite.store import DurableStore
from tests.store.crash import BATCH, EXACT_UP_TO, vector
from tests.store.samples import DIMS, MODEL

KILLS = 200


@dataclass
class Told:
    """What the writers have said: acknowledged faces, and the change that may have happened."""

    faces: dict[str, int] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    orphans: set[str] = field(default_factory=set)
    trying: list[str] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)

    def hear(self, line: str) -> None:
        state, *words = line.split()
        if state == "try":
            self.trying = words
        if state == "done":
            self.trying = []
            self.kinds.add(words[0])
            if words[0] == "add":
                first, *ids = words[1:]
                self.faces |= {face_id: int(first) + place for place, face_id in enumerate(ids)}
            if words[0] == "delete":
                self._delete(words[1:])

    def settle(self, found: dict[str, int]) -> None:
        """The change that was cut off has happened or not, but as a whole."""
        kind, *words = self.trying or ["nothing"]
        self.trying = []
        if kind == "delete":
            left = found.keys() & words
            assert left in (set(), set(words)), "a deletion happened in part"
            if not left:
                self._delete(words)
        if kind == "add":
            first = int(words[0])
            self.orphans.add(sha256(words[0].encode()).hexdigest() + ".jpg")
            new = {
                face_id: number
                for face_id, number in found.items()
                if first <= number < first + BATCH
            }
            assert len(new) in (0, BATCH), "a batch is stored in part"
            self.faces |= new

    def _delete(self, ids: list[str]) -> None:
        for face_id in ids:
            self.faces.pop(face_id, None)
        self.gone |= set(ids)


@contextmanager
def writers() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.store.writer"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        yield process


def _lines(stream: IO[str]) -> Iterator[str]:
    while (line := stream.readline()) != "over\n":
        assert line, "the writers have died"
        yield line


def killed(process: subprocess.Popen[str], folder: Path, rng: random.Random) -> Iterator[str]:
    """Have a writer work on a folder, kill it at some moment, and yield all that it said."""
    assert process.stdin
    assert process.stdout
    process.stdin.write(f"{folder} {rng.randrange(10**9)}\n")
    process.stdin.flush()
    patience = rng.choice([1, 2, 3, rng.randint(4, 60)])
    for number, line in enumerate(_lines(process.stdout)):
        if line.startswith("writer "):
            pid = int(line.split()[1])
        else:
            yield line
        if number == patience:
            sleep(rng.random() * 0.004)  # in the middle of what comes next
            os.kill(pid, signal.SIGKILL)


def assert_whole(store: DurableStore, told: Told) -> None:
    collection = store.collection()
    store._background.submit(lambda: None).result()
    faces = collection.faces(limit=100_000).items
    found = {face.id: int(face.source) for face in faces}
    told.settle(found)
    assert found == told.faces
    assert not found.keys() & told.gone
    status = store.status()
    assert status.indexed == status.faces == len(faces)
    for face in faces:
        (match,) = collection.search(vector(int(face.source)), k=1, max_distance=1e-6)
        assert (match.face.id, match.distance) == (face.id, 0)
    subjects = collection.subjects(limit=100).items
    assert {face.subject for face in faces} <= {subject.id for subject in subjects}
    assert sum(subject.faces for subject in subjects) == len(faces)
    pictures = {face.picture for face in faces}
    assert pictures <= set(store.pictures.names()), "a face has lost its picture"
    # A picture is on the disk before its face: a kill in between leaves it behind.
    assert set(store.pictures.names()) <= pictures | told.orphans


def test_killed_at_any_moment_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    rng = random.Random(20)
    folder, told, states = tmp_path / "data", Told(), set()
    with writers() as process:
        for turn in range(KILLS):
            for line in killed(process, folder, rng):
                told.hear(line)
            folder.mkdir(exist_ok=True)  # killed before it was made
            # Looked at in a copy, so that the next writer finds what the killed one left.
            copy = tmp_path / f"copy-{turn}"
            shutil.copytree(folder, copy)
            with closing(
                open_store(copy, model=MODEL, dims=DIMS, options=Options(exact_up_to=EXACT_UP_TO))
            ) as store:
                assert_whole(store, told)
                states.add(store.collection().status().index)
            shutil.rmtree(copy)
        assert process.stdin
        process.stdin.close()
    assert told.kinds == {"add", "delete", "merge", "undo"}
    assert states == {"exact", "graph"}, "no graph was ever saved"
    assert len(told.gone) > KILLS
