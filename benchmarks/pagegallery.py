"""A gallery for the pages: thousands of people, five faces each, with thumbnails."""

from pathlib import Path

import numpy as np

from benchmarks.contenders import MODEL
from benchmarks.served import CACHE, DETECTION
from faceserver.models.spec import EmbedderSpec, load_spec
from faceserver.pictures import codec, thumbnails
from faceserver.store import open_store
from faceserver.store.pictures import thumbnail_name
from faceserver.types import Face, Floats

FACES = 5
"""Of each person."""

UNNAMED = 300
"""People whom nobody has named, three faces each."""

_LOOKS = 40
_AT_ONCE = 500


def page_gallery(people: int) -> Path:
    """A data folder with so many people, made where it is missing."""
    folder = CACHE / f"pages-{people}"
    done = folder / "complete"
    if done.exists():
        return folder
    spec = load_spec(MODEL, EmbedderSpec)
    rng = np.random.default_rng(17)
    looks = [thumbnails.packed(_look(rng)) for _ in range(_LOOKS)]
    store = open_store(folder, model=spec.name, dims=spec.dims)
    held = store.collection()
    picture = store.pictures.save(codec.encode_jpeg(np.full((200, 200, 3), 120, np.uint8)))
    for start in range(0, people + UNNAMED, _AT_ONCE):
        faces = []
        for number in range(start, min(people + UNNAMED, start + _AT_ONCE)):
            named = number < people
            subject = held.add_subject(f"Person {number:05}").id if named else None
            faces += [
                Face(vector, DETECTION, picture, f"{number}.jpg", subject=subject)
                for vector in _alike(rng, FACES if named else 3, spec.dims)
            ]
        for place, face in enumerate(held.add(faces)):
            store.pictures.put(thumbnail_name(face.id), looks[place % _LOOKS])
    store.close()
    done.touch()
    return folder


def _alike(rng: np.random.Generator, count: int, dims: int) -> list[Floats]:
    rows = rng.normal(size=dims) + 0.3 * rng.normal(size=(count, dims))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return list(rows.astype(np.float32))


def _look(rng: np.random.Generator) -> np.ndarray:  # type: ignore[type-arg]
    """Something that takes as many bytes as a face."""
    coarse = rng.integers(40, 220, (16, 16, 3)).astype(np.uint8)
    fine = rng.normal(0, 6, (256, 256, 3))
    return np.clip(np.kron(coarse, np.ones((16, 16, 1))) + fine, 0, 255).astype(np.uint8)
