"""Galleries with something of everything, and what they hold, to be compared."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from faceserver.runtime.progress import Advance
from faceserver.store.base import Store
from faceserver.store.pictures import PictureStore
from faceserver.store.sqlite.opening import open_store
from faceserver.store.sqlite.store import DurableStore
from faceserver.transfer.exporting import all_faces, all_subjects
from faceserver.transfer.format import face_line, subject_line
from tests.store.samples import DIMS, MODEL, new_face, people

CONTRACT = f"""
kind = "embedder"
name = "{MODEL}"
dims = {DIMS}
[normalization]
kind = "whiten"
[networks.embedder]
sha256 = "{"a" * 64}"
"""


def opened(folder: Path, model: str = MODEL) -> DurableStore:
    return open_store(folder, model=model, dims=DIMS)


def jpeg(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (20, 20, 3), np.uint8)
    file = io.BytesIO()
    Pillow.fromarray(pixels).save(file, "JPEG")
    return file.getvalue()


def fill(store: Store, pictures: PictureStore, *, faces: int = 12) -> None:
    """Two collections; people with tags and metadata; faces with all that a face can have."""
    main, other = store.collection(), store.create("holiday-1", model="other-model", dims=4)
    ann = main.add_subject("Ann", tags=["b", "a"], metadata={"age": 7, "π": [1.5, None, {"x": ""}]})
    bob = main.add_subject("Bob", created=datetime(2001, 2, 3, 4, 5, 6, 789, tzinfo=UTC))
    with pictures.batch() as save:
        names = [save(jpeg(seed)) for seed in range(3)]
        crop = save(jpeg(99))
        vectors = people(faces, seed=5)
        added = main.add(
            [
                new_face(
                    vector,
                    f"ü {number}.jpg",
                    picture=names[number % 2] if number % 3 else None,
                    crop=crop if number % 4 == 0 else None,
                    subject=(ann.id, bob.id, None)[number % 3],
                    tags=("x", f"n{number}") if number % 2 else (),
                    external_id=f"ext-{number}" if number % 5 == 0 else None,
                    attributes={"quality": number / 7} if number % 2 else {},
                )
                for number, vector in enumerate(vectors)
            ]
        )
        main.change_subject(bob.id, hidden=True, cover=added[4].id)
        other.add([new_face(people(1, dims=4)[0], picture=names[2])])


def content(store: Store) -> dict[str, object]:
    """All that a store holds, in its order, the vectors as bytes."""
    held: dict[str, object] = {}
    for name in store.collections():
        part = store.collection(name)
        held[name] = (
            part.model,
            part.dims,
            [
                subject_line(item).model_dump_json(exclude_defaults=True)
                for item in all_subjects(part)
            ],
            [
                (face_line(face).model_dump_json(), face.embedding.tobytes(), repr(face.created))
                for face in all_faces(part)
            ],
        )
    return json.loads(json.dumps(held, default=repr))  # type: ignore[no-any-return]


def picture_files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "uploadImages").iterdir()}


class Stages:
    """Remembers what work has told of how far it is."""

    def __init__(self) -> None:
        self.totals: dict[str, int] = {}
        self.done: dict[str, int] = {}

    def begin(self, what: str, total: int) -> Advance:
        self.totals[what], self.done[what] = total, 0

        def advance(more: int) -> None:
            self.done[what] += more

        return advance
