"""A process that holds one contender and times it: ``python -m benchmarks.worker NAME``.

It prints ``ready`` or ``absent: why``; then it answers each line ``batch calls`` on its standard
input with the milliseconds of each call.
"""

import sys
from time import perf_counter

import numpy as np

from benchmarks.contenders import EMBEDDERS, SIDE


def main() -> None:
    try:
        embed = EMBEDDERS[sys.argv[1]]()
    except (ImportError, OSError) as error:
        print(f"absent: {error}", flush=True)
        return
    print("ready", flush=True)
    rng = np.random.default_rng(1)
    for line in sys.stdin:
        batch, calls = map(int, line.split())
        crops = rng.integers(0, 256, (batch, SIDE, SIDE, 3), np.uint8)
        times = []
        for _ in range(calls):
            start = perf_counter()
            embed(crops)
            times.append(1000 * (perf_counter() - start))
        print(*times, flush=True)


if __name__ == "__main__":
    main()
