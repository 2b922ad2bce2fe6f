"""Several pictures of one person: which face in each is this person, and their one embedding."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceserver.errors import InputError
from faceserver.types import Box, Detection, Floats

MOST_FACES = 10
"""So many faces of a picture are looked at, the largest: the one who is meant is among them."""

_FULL_WIDTH = 112.0
"""Pixels of a face's box from which it weighs as much as any: what models embed is no larger."""

_ROUNDS = 5

_Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class FrameFace:
    """A face in one of several pictures.

    Attributes:
        frame: the picture's place, from 0.
        detection: where in the picture it is.
        vector: its embedding, float32, shape (dims,), unit length.
    """

    frame: int
    detection: Detection
    vector: Floats


@dataclass(frozen=True, eq=False)
class Consensus:
    """Who is in most of the pictures.

    Attributes:
        faces: of this person, at most one a picture, by the pictures' places.
        vector: the mean of their embeddings, float32, shape (dims,), unit length.
    """

    faces: dict[int, FrameFace]
    vector: Floats


@dataclass(frozen=True)
class Frame:
    """What became of one of the pictures.

    Attributes:
        detection: the face that counts; None where none does.
        distance: of this face to the mean of all, as squared L2; None without one.
        code: why no face of it counts; None where one does.
        reason: likewise, in words.
    """

    detection: Detection | None = None
    distance: float | None = None
    code: str | None = None
    reason: str | None = None


def consensus(faces: Sequence[FrameFace], *, threshold: float) -> Consensus:
    """Find the person who is in most of the pictures; of two, the one whose faces are larger.

    It begins with the face that has a face near it in the most pictures. Then the mean of what was
    chosen chooses anew, in each picture the face that is nearest to it, until nothing changes. A
    passer-by is in fewer pictures, and no face is chosen that is farther from the mean than faces
    of one person are from each other.

    Args:
        faces: of all pictures, one at least.
        threshold: squared L2 distance below which two faces are taken for one person.
    """
    vectors = np.stack([face.vector for face in faces])
    frames = np.array([face.frame for face in faces], np.int64)
    weights = np.array([_weight(face.detection.box) for face in faces], np.float32)
    anchor = vectors[_anchor(vectors, frames, weights, threshold)]
    chosen = _chosen(vectors, frames, anchor, threshold)
    for _ in range(_ROUNDS):
        again = _chosen(vectors, frames, _mean(vectors, weights, chosen), threshold)
        if again in ([], chosen):
            break
        chosen = again
    mean = _mean(vectors, weights, chosen)
    return Consensus({faces[row].frame: faces[row] for row in chosen}, mean)


def _anchor(vectors: Floats, frames: _Ints, weights: Floats, threshold: float) -> int:
    """The row of the face that has a face near it in the most pictures."""
    near = 2 - 2 * (vectors @ vectors.T) < threshold
    support = [(len(np.unique(frames[row])), float(weights[row].sum())) for row in near]
    return max(range(len(support)), key=lambda row: support[row])


def _chosen(vectors: Floats, frames: _Ints, middle: Floats, threshold: float) -> list[int]:
    """The row of each picture's nearest face to the middle, if it is near enough."""
    distances = 2 - 2 * (vectors @ middle)
    best: dict[int, int] = {}
    for row in np.argsort(distances, kind="stable").tolist():
        if distances[row] < threshold:
            best.setdefault(int(frames[row]), row)
    return sorted(best.values())


def _mean(vectors: Floats, weights: Floats, rows: list[int]) -> Floats:
    total = (vectors[rows] * weights[rows, None]).sum(axis=0)
    return np.asarray(total / np.linalg.norm(total), np.float32)


def _weight(box: Box) -> float:
    """Small faces count for less: there is less to be seen of them."""
    return min(max(box.width, 1.0), _FULL_WIDTH) / _FULL_WIDTH


def outcomes(faults: Sequence[InputError | None], person: Consensus) -> tuple[Frame, ...]:
    """What became of each picture: its face counts, or why none does."""
    return tuple(_outcome(number, fault, person) for number, fault in enumerate(faults))


def _outcome(number: int, fault: InputError | None, person: Consensus) -> Frame:
    if fault is not None:
        return Frame(code=fault.code, reason=str(fault))
    face = person.faces.get(number)
    if face is None:
        return Frame(code="other_person", reason="it shows somebody else than most of the pictures")
    return Frame(face.detection, max(float(2 - 2 * (face.vector @ person.vector)), 0.0))
