"""Embedding: our engines and precisions beside others' (``python -m benchmarks.engines``).

All are held ready in processes of their own and take turns, a few calls each, so that what else
the machine does meets all of them alike. The figures are medians over all rounds; ratios are to
those alone who were measured in the same run, in batches of the same size.
"""

import numpy as np

from benchmarks.contender import Contender, present, ratios
from benchmarks.contenders import EMBEDDERS, PEERS
from benchmarks.report import Row, table

BATCHES = (1, 8, 16)
ROUNDS = 5
FACES_A_TURN = 16
BASES = ("pycaffe", "onnxruntime", "faceserver opencv")
"""Whom the others are compared with: what the server replaces, and what else runs the files."""

Times = dict[tuple[str, int], list[float]]
"""Milliseconds of each call, by who made it and how many faces it had."""


def measure(rounds: int = ROUNDS) -> list[Row]:
    contenders = [Contender(name, "benchmarks.worker", is_peer=name in PEERS) for name in EMBEDDERS]
    times: Times = {}
    try:
        for batch in BATCHES:
            for contender in present(contenders):
                contender.ask(f"{batch} 2")  # the first calls prepare
            for _ in range(rounds):
                for contender in present(contenders):
                    taken = contender.ask(f"{batch} {max(1, FACES_A_TURN // batch)}")
                    times.setdefault((contender.name, batch), []).extend(map(float, taken.split()))
    finally:
        for contender in contenders:
            contender.close()
    return rows_of({each.name: each.absent for each in contenders}, times)


def rows_of(absent: dict[str, str | None], times: Times) -> list[Row]:
    """A row for each batch of each contender, and one for each that is absent.

    Args:
        absent: by name, why somebody is not here; None for those who are.
        times: of those who are.
    """
    medians = {key: float(np.median(taken)) / key[1] for key, taken in times.items()}
    rows = []
    for name, why in absent.items():
        if why:
            rows.append(Row("embedding", name, None, "ms", f"absent: {why}"))
            continue
        for batch in BATCHES:
            each = medians[name, batch]
            others = {
                base: medians[base, batch]
                for base in BASES
                if base != name and (base, batch) in medians
            }
            rows.append(
                Row(f"a face, in batches of {batch}", name, each, "ms", ratios(each, others))
            )
    return rows


if __name__ == "__main__":
    print(table(measure()))
