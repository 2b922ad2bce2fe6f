"""How well the quality figure predicts errors: photographs with a low one are set aside.

    python -m benchmarks.quality SETS --model sface --json quality.json

SETS are folders that hold a folder a person, with photographs of that person's face. Of each set
the share of same-person pairs that are missed (FNMR) is computed at the threshold at which a
thousandth of the pairs of different people are taken for one, with all photographs, and without the
worst 5 %. The threshold stays the same.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import machine
from faceserver.app import make_analyzer
from faceserver.config import load_settings
from faceserver.errors import ImageError
from faceserver.vision.analyzer import Analyzer, FoundFace

FALSE_MATCH_RATE = 1e-3
SET_ASIDE = 0.05
MAX_PIXELS = 178_956_970


@dataclass(frozen=True, eq=False)
class Judged:
    """The faces of a set: their vectors, whose they are, and their quality."""

    name: str
    vectors: NDArray[np.float32]
    people: NDArray[np.int64]
    quality: NDArray[np.float64]


def judge(analyzer: Analyzer, folder: Path, *, centre: bool) -> Judged:
    """Find, embed and judge the face of each photograph of a set."""
    vectors, people, quality = [], [], []
    for number, person in enumerate(sorted(path for path in folder.iterdir() if path.is_dir())):
        faces: list[FoundFace] = []
        for path in sorted(person.iterdir()):
            faces += _face(analyzer, path, centre=centre)
        vectors.append(analyzer.embed(faces))
        told = analyzer.tell(faces)
        quality += [float(str(each["quality"]["value"])) for each in told]
        people += [number] * len(faces)
    return Judged(folder.name, np.concatenate(vectors), np.array(people), np.array(quality))


def _face(analyzer: Analyzer, path: Path, *, centre: bool) -> list[FoundFace]:
    data = path.read_bytes()
    try:
        picture, faces = analyzer.read(
            data, max_bytes=len(data), max_pixels=MAX_PIXELS, attributes=["quality"]
        )
    except ImageError:
        return []
    height, width = picture.height, picture.width

    def off_centre(face: FoundFace) -> float:
        box = face.detection.box
        return (box.x1 + box.x2 - width) ** 2 + (box.y1 + box.y2 - height) ** 2

    return [min(faces, key=off_centre)] if faces and centre else faces[:1]


def missed(of: Judged, keep: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Missed pairs and all same-person pairs of a set, and both again among those that are kept."""
    distances = 2 - 2 * of.vectors @ of.vectors.T
    rows, columns = np.triu_indices(len(distances), 1)
    pairs, same = distances[rows, columns], of.people[rows] == of.people[columns]
    far = pairs >= np.quantile(pairs[~same], FALSE_MATCH_RATE)
    kept = keep[rows] & keep[columns]
    return (
        int((far & same).sum()),
        int(same.sum()),
        int((far & same & kept).sum()),
        int((same & kept).sum()),
    )


def figures(sets: Sequence[Judged]) -> list[dict[str, object]]:
    """FNMR of each set before and after, and of all sets together, by one figure for all."""
    rows = []
    for each in sets:
        keep = each.quality > np.quantile(each.quality, SET_ASIDE)
        rows.append(_row(each.name, [missed(each, keep)]))
    limit = np.quantile(np.concatenate([each.quality for each in sets]), SET_ASIDE)
    counts = [missed(each, each.quality > limit) for each in sets]
    rows.append(_row("all, by one figure", counts))
    return rows


def _row(name: str, counts: Sequence[tuple[int, int, int, int]]) -> dict[str, object]:
    wrong, total, left, kept = np.sum(counts, axis=0).tolist()
    before, after = wrong / max(total, 1), left / max(kept, 1)
    return {
        "set": name,
        "pairs": total,
        "fnmr": round(before, 5),
        "fnmr_without_the_worst": round(after, 5),
        "lower_by": round(1 - after / before, 3) if before else None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", type=Path, nargs="+")
    parser.add_argument("--model", default="sface")
    parser.add_argument("--centre", nargs="*", default=["lfw10"], help="sets whose face is central")
    parser.add_argument("--json", type=Path, help="where the figures go")
    options = parser.parse_args()
    analyzer = make_analyzer(load_settings(model=options.model))
    sets = [judge(analyzer, path, centre=path.name in options.centre) for path in options.sets]
    rows = figures(sets)
    for row in rows:
        print(*(f"{name} {value}" for name, value in row.items()), sep="  ")
    if options.json:
        found = {"machine": machine(), "model": options.model, "quality": rows}
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
