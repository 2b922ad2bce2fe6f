"""Who is in most of several pictures."""

import numpy as np
import pytest

from faceserver.services.frames import FrameFace, consensus
from faceserver.types import Floats
from tests.services.test_grouping import crowd, in_plane
from tests.support.fakes import detection

THRESHOLD = 0.85


def faces(vectors: Floats, frames: list[int], width: int = 100) -> list[FrameFace]:
    return [
        FrameFace(frame, detection(0, 0, width), vector)
        for frame, vector in zip(frames, vectors, strict=True)
    ]


def test_who_is_in_most_pictures_is_meant_whatever_the_order() -> None:
    person, passers = crowd(1, 6, seed=1), crowd(5, 1, seed=2)
    shown = faces(person, list(range(6))) + faces(passers, [0, 1, 1, 2, 5], width=400)
    shown = [shown[row] for row in np.random.default_rng(0).permutation(len(shown))]
    found = consensus(shown, threshold=THRESHOLD)
    assert sorted(found.faces) == list(range(6))
    for frame, face in found.faces.items():
        assert face.vector is person[frame] or np.array_equal(face.vector, person[frame])
    mean = person.sum(axis=0)
    assert found.vector == pytest.approx(mean / np.linalg.norm(mean), abs=1e-6)
    assert found.vector.dtype == np.float32


def test_many_noisy_pictures_are_nearer_to_the_person_than_each_of_them() -> None:
    rng = np.random.default_rng(3)
    centre = crowd(1, 1, seed=4)[0]
    noisy = centre + 0.8 / np.sqrt(len(centre)) * rng.normal(size=(12, len(centre)))
    noisy = np.asarray(noisy / np.linalg.norm(noisy, axis=1, keepdims=True), np.float32)
    found = consensus(faces(noisy, list(range(12))), threshold=THRESHOLD)
    assert len(found.faces) == 12
    alone = np.square(noisy - centre).sum(axis=1)
    assert np.square(found.vector - centre).sum() < 0.3 * alone.min()


def test_a_picture_counts_once_however_alike_its_faces_are() -> None:
    twins = in_plane(0, 1, 2, 3)
    found = consensus(faces(twins, [0, 0, 1, 1]), threshold=THRESHOLD)
    assert sorted(found.faces) == [0, 1]


def test_of_two_people_in_all_pictures_the_larger_is_meant() -> None:
    one, other = crowd(2, 3, seed=5)[:3], crowd(2, 3, seed=5)[3:]
    frames = [0, 1, 2]
    for first, second, expected in ((100, 50, one), (50, 100, other)):
        shown = faces(one, frames, width=first) + faces(other, frames, width=second)
        found = consensus(shown, threshold=THRESHOLD)
        assert np.square(found.vector - expected[0]).sum() < THRESHOLD
        assert len(found.faces) == 3


def test_small_faces_count_less() -> None:
    large, small = in_plane(0), in_plane(20)
    shown = faces(large, [0], width=112) + faces(small, [1], width=14)
    vector = consensus(shown, threshold=THRESHOLD).vector
    assert np.degrees(np.arctan2(vector[1], vector[0])) == pytest.approx(2.2, abs=0.3)


def test_one_face_is_its_own_answer() -> None:
    (vector,) = crowd(1, 1)
    found = consensus(faces(vector[None], [4]), threshold=THRESHOLD)
    assert list(found.faces) == [4]
    assert found.vector == pytest.approx(vector, abs=1e-6)
