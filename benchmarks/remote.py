"""The embedder here and on an inference server, side by side.

    python -m benchmarks.remote grpc://127.0.0.1:8001 http://127.0.0.1:8000

The server has the repository that `faceserver models export-triton` writes. Prints milliseconds for
a face, by faces in a call and by clients that call at the same time.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from statistics import median

import numpy as np

from faceserver.app import embedder_spec, make_embedder
from faceserver.config import Settings, load_settings
from faceserver.types import Floats, Image

SECONDS = 4.0
SHAPES = ((1, 1), (8, 1), (32, 1), (1, 8))
"""Faces in a call, and clients."""


def main(urls: list[str]) -> None:
    print(f"{'engine':28}" + "".join(f"{f'{f} x {c} clients':>18}" for f, c in SHAPES))
    settings = load_settings()
    ways = {"openvino, auto": settings.model_copy(update={"precision": "auto"})}
    ways["openvino, f32"] = settings.model_copy(update={"precision": "f32"})
    for url in urls:
        ways[url] = settings.model_copy(update={"engine": "oip", "oip_url": url})
    for name, way in ways.items():
        print(f"{name:28}" + "".join(f"{value:>18.2f}" for value in measured(way)))


def measured(settings: Settings) -> Iterator[float]:
    embedder = make_embedder(settings, embedder_spec(settings))
    embedder.warm_up()
    side = embedder_spec(settings).crop.size
    faces = list(np.random.default_rng(1).integers(0, 255, (32, side, side, 3), np.uint8))
    for count, clients in SHAPES:
        some = partial(calls, embedder.embed, faces[:count])
        with ThreadPoolExecutor(clients) as pool:
            begin = time.perf_counter()
            runs = [each.result() for each in [pool.submit(some) for _ in range(clients)]]
            wall = time.perf_counter() - begin
        if clients == 1:
            yield 1000 * median(runs[0]) / count
        else:  # what a face costs while all of them ask
            yield 1000 * wall / (sum(map(len, runs)) * count)


def calls(embed: Callable[[Sequence[Image]], Floats], faces: list[Image]) -> list[float]:
    """How long each call took, as many as there is time for."""
    taken: list[float] = []
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        begin = time.perf_counter()
        embed(faces)
        taken.append(time.perf_counter() - begin)
    return taken


if __name__ == "__main__":
    main(sys.argv[1:])
