"""Killed at any moment, the store has every face that it acknowledged."""

import random
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from faceserver.store import Store, open_store
from tests.store.crash import BATCH, DIMS, EXACT_UP_TO, MODEL, batch

ROUNDS = 25


def killed_after(folder: Path, lines: int) -> list[str]:
    """Run a writer, kill it after so many lines, and return all that it printed."""
    command = [sys.executable, "-m", "tests.store.writer", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        printed = [writer.stdout.readline() for _ in range(lines)]
        writer.kill()
        printed += writer.stdout.readlines()
    assert writer.returncode == -9
    return [line for line in printed if line.endswith("\n")]


def assert_whole(store: Store, acknowledged: dict[str, int]) -> None:
    status = store.status()
    assert status.indexed == status.faces >= len(acknowledged)
    assert status.faces % BATCH == 0, "a batch is stored in part"
    for first in range(0, status.faces, BATCH):
        for face in batch(first):
            (match,) = store.search(face.embedding, k=1, max_distance=1e-6)
            assert (match.distance, match.face.source) == (0, face.source)
            assert acknowledged.get(match.face.id, int(face.source)) == int(face.source)
    for face_id, number in acknowledged.items():
        assert store.get(face_id).source == str(number)


def test_killed_at_any_moment_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    rng = random.Random(20)
    folder = tmp_path / "data"
    acknowledged: dict[str, int] = {}
    for turn in range(ROUNDS):
        for line in killed_after(folder, rng.choice([1, 2, rng.randint(3, 25)])):
            if line in {"opening\n", "open\n"}:
                continue
            first, *ids = line.split()
            acknowledged |= {face_id: int(first) + place for place, face_id in enumerate(ids)}
        folder.mkdir(exist_ok=True)  # killed before it was made
        # Looked at in a copy, so that the next process finds what the killed one left.
        copy = tmp_path / f"copy-{turn}"
        shutil.copytree(folder, copy)
        with closing(open_store(copy, model=MODEL, dims=DIMS, exact_up_to=EXACT_UP_TO)) as store:
            assert_whole(store, acknowledged)
        shutil.rmtree(copy)
    assert len(acknowledged) > 3 * EXACT_UP_TO, "too little was stored to mean anything"
    assert list((folder / "index").glob("*.hnsw")), "no save was ever under way"
