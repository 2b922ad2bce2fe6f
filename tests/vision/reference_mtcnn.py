"""MTCNN written the slow and obvious way: one level, one candidate, one box at a time.

The detector must find what this finds; nothing here is shared with it but the networks.
"""

import math
from dataclasses import dataclass, field

import cv2
import numpy as np

from faceserver.engines import Network
from faceserver.types import Floats, Image


@dataclass
class Candidate:
    """A square or box in pixels counted from 1, ends included."""

    x1: float
    y1: float
    x2: float
    y2: float
    score: float
    offsets: list[float]
    points: list[tuple[float, float]] = field(default_factory=list)

    def move(self, extra: int) -> None:
        width, height = self.x2 - self.x1 + extra, self.y2 - self.y1 + extra
        dx1, dy1, dx2, dy2 = self.offsets
        self.x1, self.y1 = self.x1 + dx1 * width, self.y1 + dy1 * height
        self.x2, self.y2 = self.x2 + dx2 * width, self.y2 + dy2 * height

    def make_square(self) -> None:
        width, height = self.x2 - self.x1, self.y2 - self.y1
        side = max(width, height)
        self.x1, self.y1 = self.x1 + width / 2 - side / 2, self.y1 + height / 2 - side / 2
        self.x2, self.y2 = self.x1 + side, self.y1 + side

    def truncate(self) -> None:
        """To whole pixels, as the published code does: the next network looks at exactly these."""
        self.x1, self.y1, self.x2, self.y2 = (
            float(int(edge)) for edge in (self.x1, self.y1, self.x2, self.y2)
        )


def overlap(a: Candidate, b: Candidate, smaller: bool) -> float:
    width = min(a.x2, b.x2) - max(a.x1, b.x1) + 1
    height = min(a.y2, b.y2) - max(a.y1, b.y1) + 1
    shared = max(width, 0) * max(height, 0)
    area_a, area_b = ((c.x2 - c.x1 + 1) * (c.y2 - c.y1 + 1) for c in (a, b))
    return shared / (min(area_a, area_b) if smaller else area_a + area_b - shared)


def suppress(candidates: list[Candidate], limit: float, smaller: bool = False) -> list[Candidate]:
    kept: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda c: -c.score):
        if all(overlap(candidate, better, smaller) <= limit for better in kept):
            kept.append(candidate)
    return kept


def run(network: Network, picture: Image) -> dict[str, Floats]:
    pixels = (picture.transpose(2, 1, 0)[np.newaxis] - 127.5) / 128
    blob = np.ascontiguousarray(pixels, np.float32)
    return network.predict({network.inputs[0]: blob})


def scaled(picture: Image, width: int, height: int) -> Image:
    grows = width * height >= picture.shape[0] * picture.shape[1]
    method = cv2.INTER_LINEAR if grows else cv2.INTER_AREA
    return np.asarray(cv2.resize(picture, (width, height), interpolation=method), np.uint8)


def crop(image: Image, candidate: Candidate, side: int) -> Image:
    x1, y1, x2, y2 = (int(v) for v in (candidate.x1, candidate.y1, candidate.x2, candidate.y2))
    whole = np.zeros((y2 - y1 + 1, x2 - x1 + 1, 3), np.uint8)
    for row in range(y1, y2 + 1):
        if 1 <= row <= image.shape[0]:
            left, right = max(x1, 1), min(x2, image.shape[1])
            whole[row - y1, left - x1 : right - x1 + 1] = image[row - 1, left - 1 : right]
    return scaled(whole, side, side)


def level(pnet: Network, image: Image, scale: float, threshold: float) -> list[Candidate]:
    height, width = image.shape[:2]
    answer = run(pnet, scaled(image, math.ceil(width * scale), math.ceil(height * scale)))
    scores, offsets = answer["prob1"][0, 1], answer["conv4-2"][0]
    found = []
    for x in range(scores.shape[0]):
        for y in range(scores.shape[1]):
            if scores[x, y] >= threshold:
                x1, y1 = int((2 * x + 1) / scale), int((2 * y + 1) / scale)
                x2, y2 = int((2 * x + 12) / scale), int((2 * y + 12) / scale)
                score = float(scores[x, y])
                found.append(Candidate(x1, y1, x2, y2, score, offsets[:, x, y].tolist()))
    return suppress(found, 0.5)


def detect(
    image: Image,
    networks: tuple[Network, Network, Network],
    *,
    min_face: int = 40,
    thresholds: tuple[float, float, float] = (0.8, 0.8, 0.6),
    factor: float = 0.709,
) -> list[Candidate]:
    """Find faces; boxes in pixels counted from 1, points counted from 0."""
    pnet, rnet, onet = networks
    found: list[Candidate] = []
    scale = 12 / min_face
    while min(image.shape[:2]) * scale >= 12:
        found += level(pnet, image, scale, thresholds[0])
        scale *= factor
    found = suppress(found, 0.7)
    for candidate in found:
        candidate.move(extra=0)
        candidate.make_square()
        candidate.truncate()

    passed = []
    for candidate in found:
        answer = run(rnet, crop(image, candidate, 24))
        candidate.score = float(answer["prob1"][0, 1])
        candidate.offsets = answer["conv5-2"][0].tolist()
        if candidate.score > thresholds[1]:
            passed.append(candidate)
    passed = suppress(passed, 0.7)
    for candidate in passed:
        candidate.move(extra=1)
        candidate.make_square()
        candidate.truncate()

    faces = []
    for candidate in passed:
        answer = run(onet, crop(image, candidate, 48))
        candidate.score = float(answer["prob1"][0, 1])
        candidate.offsets = answer["conv6-2"][0].tolist()
        if candidate.score > thresholds[2]:
            width, height = candidate.x2 - candidate.x1 + 1, candidate.y2 - candidate.y1 + 1
            x, y = answer["conv6-3"][0][:5].tolist(), answer["conv6-3"][0][5:].tolist()
            candidate.points = [
                (candidate.x1 - 1 + width * px, candidate.y1 - 1 + height * py)
                for px, py in zip(x, y, strict=True)
            ]
            candidate.move(extra=1)
            faces.append(candidate)
    return suppress(faces, 0.7, smaller=True)
