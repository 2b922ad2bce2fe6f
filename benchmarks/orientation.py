"""Pictures on their side and upside down: what is found in them, and what looking around costs.

    python -m benchmarks.orientation --people ~/faces --ordinary ~/photographs

``--people`` has a folder a person; each picture is turned by 0, 90, 180 and 270 degrees, and
searched by the detector alone and in the orientations that pay. The largest face counts.
``--ordinary`` holds photographs whose cost is measured beside the detector's alone, in one thread,
in turns.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.detection import overlap, photographs
from faceserver.app import make_analyzer
from faceserver.config import load_settings
from faceserver.errors import ImageError
from faceserver.pictures import codec
from faceserver.types import Box, Detection, Image
from faceserver.vision.analyzer import Analyzer
from faceserver.vision.orientation import sighted, turned, turned_picture
from faceserver.vision.plausibility import is_face

Find = Callable[[Image], list[Detection]]
_ENDINGS = {".jpg", ".jpeg", ".png", ".pgm"}


def pictures_of(folder: Path, every: int) -> list[tuple[str, Image]]:
    """Who is shown, and the picture, of every so many pictures."""
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in _ENDINGS]
    found = []
    for path in paths[::every]:
        try:
            image = codec.decode(path.read_bytes(), max_bytes=10**9, max_pixels=10**8)
        except ImageError as error:
            print(f"{path.name}: {error}")
            continue
        found.append((str(path.parent), image))
    return found


def corners(box: Box) -> tuple[float, float, float, float]:
    return box.x1, box.y1, box.x2, box.y2


def quality(analyzer: Analyzer, people: Sequence[tuple[str, Image]], find: Find) -> list[str]:
    """A line of the table for each turn."""
    expected = [analyzer._detector.detect(image) for _, image in people]
    lines = []
    for turns in range(4):
        found, right, scores, names, crops = 0, 0, [], [], []
        for (name, image), upright in zip(people, expected, strict=True):
            if not upright:
                continue
            picture = np.ascontiguousarray(turned_picture(image, turns))
            faces = find(picture)
            if not faces:
                continue
            found += 1
            height, width = image.shape[:2]
            wanted = turned(upright[0], turns, width, height)
            right += overlap(corners(faces[0].box), corners(wanted.box)) > 0.5
            scores.append(faces[0].score)
            names.append(name)
            crops.append(analyzer.embedder.crop(picture, faces[0]))
        vectors = np.concatenate(
            [
                analyzer.embedder.embed(crops[start : start + 64])
                for start in range(0, len(crops), 64)
            ]
        )
        below, pairs = strangers(vectors, names, analyzer.embedder.distances.threshold)
        shown = sum(map(bool, expected))
        lines.append(
            f"{90 * turns} | {found} of {shown} | {right} | {np.median(scores):.4f} | "
            f"{below} of {pairs} ({100 * below / max(pairs, 1):.2f} %)"
        )
    return lines


def strangers(vectors: np.ndarray, names: Sequence[str], threshold: float) -> tuple[int, int]:
    """Pairs of different people below the threshold, and all such pairs, within a set."""
    people = np.array(names)
    sets = np.array([str(Path(name).parent) for name in names])
    pairs = (people[:, None] != people) & (sets[:, None] == sets)
    near = 2 - 2 * vectors @ vectors.T < threshold
    return int((pairs & near).sum()) // 2, int(pairs.sum()) // 2


def cost(analyzer: Analyzer, pictures: Sequence[Image], find: Find, rounds: int) -> float:
    """Median over rounds of the time with looking around, over the detector's alone."""

    def seconds(way: Find) -> float:
        start = time.process_time()
        for picture in pictures:
            way(picture)
        return time.process_time() - start

    seconds(analyzer._detector.detect)
    ratios = []
    for number in range(rounds):
        ways = [find, analyzer._detector.detect]
        taken = {way: seconds(way) for way in (ways if number % 2 else ways[::-1])}
        ratios.append(taken[find] / taken[ways[1]])
    return float(np.median(ratios))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=Path, help="a folder of people")
    parser.add_argument("--every", type=int, default=1, help="take every so many of the pictures")
    parser.add_argument("--ordinary", type=Path, action="append", default=[])
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    analyzer = make_analyzer(load_settings(threads=1))
    detect = analyzer._detector.detect

    def find(image: Image) -> list[Detection]:
        return sighted(image, detect, sure=analyzer._sure).faces

    if options.people:
        people = pictures_of(options.people, options.every)
        upright = [face for _, image in people for face in detect(image)]
        refused = sum(not is_face(face) for face in upright)
        print(f"{len(people)} pictures; refused of {len(upright)} upright faces: {refused}")
        for title, way in (("the detector alone", detect), ("looking around", find)):
            print(f"\n{title}: degrees | found | box right | median score | strangers below")
            print("\n".join(quality(analyzer, people, way)))
    ordinary = list(photographs(options.ordinary).values())
    empty = [np.random.default_rng(n).integers(0, 60, (800, 1200, 3), np.uint8) for n in range(5)]
    ratio = cost(analyzer, ordinary, find, options.rounds)
    print(f"\n{len(ordinary)} ordinary photographs: x {ratio:.3f}")
    print(f"pictures without a face: x {cost(analyzer, empty, find, options.rounds):.2f}")


if __name__ == "__main__":
    main()
