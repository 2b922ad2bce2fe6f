"""Processes that change a store until they are killed: run by the crash test.

Reads lines with a folder and a seed from its input. For each it makes a copy of itself, which
prints its number, and prints "over" after somebody has killed the copy. The copy prints a line
before it opens the store and one when it is open. Then, before each change, what it is about to do,
and after it, that it is done:

    try add FIRST       done add FIRST ID ID ID     the faces FIRST and following, as one batch
    try delete ID ...   done delete ID ...
    try merge A B       done merge A B              the person A goes, B stays
    try undo A B        done undo A B               A is there again
"""

import os
import random
import sys
from pathlib import Path

from faceserver.store import Collection, Options, open_store
from faceserver.store.index import upkeep
from faceserver.store.pictures import PictureStore
from faceserver.types import Face
from tests.store.crash import BATCH, EXACT_UP_TO, MOST_FACES, PEOPLE, vector
from tests.store.samples import DIMS, MODEL, new_face


def say(*words: object) -> None:
    # In one piece: killed in the middle of a line, a writer would leave half of one.
    os.write(sys.stdout.fileno(), f"{' '.join(map(str, words))}\n".encode())


class Writer:
    def __init__(self, collection: Collection, pictures: PictureStore, seed: int) -> None:
        self.collection = collection
        self.pictures = pictures
        self.rng = random.Random(seed)
        for number in range(PEOPLE):
            gone = any(merge.name == f"person {number}" for merge in collection.merges())
            if not gone and collection.subject_named(f"person {number}") is None:
                collection.add_subject(f"person {number}", tags=["all"])

    def faces(self) -> list[Face]:
        return list(self.collection.faces(limit=10_000).items)

    def add(self) -> None:
        first = max((int(face.source) for face in self.faces()), default=-1) + 1
        first = max(first, self.rng.randrange(10_000) * 10)  # never a number twice
        subject = self.rng.choice(self.collection.subjects(limit=9).items).id
        say("try", "add", first)
        with self.pictures.batch() as save:
            stored = self.collection.add(
                [
                    new_face(
                        vector(first + place),
                        str(first + place),
                        picture=save(str(first).encode()),
                        subject=subject,
                        tags=("batch",),
                    )
                    for place in range(BATCH)
                ]
            )
        say("done", "add", first, *(face.id for face in stored))

    def delete(self) -> None:
        faces = self.faces()
        ids = [face.id for face in self.rng.sample(faces, min(len(faces), self.rng.randint(1, 8)))]
        say("try", "delete", *ids)
        self.collection.delete(ids)
        say("done", "delete", *ids)

    def merge_or_undo(self) -> None:
        merges = self.collection.merges()
        if merges:
            say("try", "undo", merges[0].subject, merges[0].into)
            self.collection.undo(merges[0].id)
            say("done", "undo", merges[0].subject, merges[0].into)
            return
        one, other = self.rng.sample(self.collection.subjects(limit=9).items, 2)
        say("try", "merge", one.id, other.id)
        self.collection.merge(one.id, into=other.id)
        say("done", "merge", one.id, other.id)

    def step(self) -> None:
        kind = self.rng.random()
        if kind < 0.15:
            self.merge_or_undo()
        elif kind < 0.3 or self.collection.count() > MOST_FACES:
            self.delete()
        else:
            self.add()


def change(folder: Path, seed: int) -> None:
    say("opening")
    options = Options(exact_up_to=EXACT_UP_TO)
    store = open_store(folder, model=MODEL, dims=DIMS, options=options)
    say("open")
    writer = Writer(store.collection(), store.pictures, seed)
    while True:
        writer.step()


def main() -> None:
    # Saves and new graphs after every few faces, so that kills meet them often.
    upkeep._LEAST_TO_SAVE = 5
    upkeep._LEAST_TO_COMPACT = 8
    upkeep._FOLLOWED_AT_ONCE = 2
    for line in sys.stdin:
        folder, seed = line.split()
        child = os.fork()
        if not child:
            try:
                say("writer", os.getpid())
                change(Path(folder), int(seed))
            finally:
                os._exit(1)
        os.waitpid(child, 0)
        say("over")


if __name__ == "__main__":
    main()
