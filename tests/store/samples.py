"""Faces for the tests of the stores: synthetic people, several faces each, from a seed."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from faceserver.types import Box, Detection, Face, Floats

DIMS = 16
MODEL = "test-model"

DETECTION = Detection(
    box=Box(1.5, -2.25, 101.125, 99.1),
    points=((30.1, 40.2), (70.3, 40.4), (50.5, 60.6), (35.7, 80.8), (65.9, 80.01)),
    score=0.987654321,
)


def people(count: int, *, each: int = 1, dims: int = DIMS, seed: int = 0) -> Floats:
    """Unit vectors, float32, shape (count * each, dims): those of one person lie together."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(count, 1, dims)) / np.sqrt(dims)
    noise = rng.normal(size=(count, each, dims)) * 0.3 / np.sqrt(dims)
    vectors = (centres + noise).reshape(-1, dims)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / lengths, np.float32)


def new_face(vector: Floats, source: str = "a.jpg", **more: Any) -> Face:
    face = Face(embedding=vector, detection=DETECTION, picture="0" * 64 + ".jpg", source=source)
    return replace(face, **more)


def new_faces(vectors: Iterable[Floats]) -> list[Face]:
    return [new_face(vector, f"{number}.jpg") for number, vector in enumerate(vectors)]
