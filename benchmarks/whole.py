"""From a decoded photograph to its faces' vectors, beside what others run.

    python -m benchmarks.whole

All are held ready in processes of their own and take turns, one round over all photographs each.
Ratios are medians of the rounds' ratios, to those alone who were measured in the same run.
"""

import argparse

from benchmarks.onnx_shapes import made
from benchmarks.others import OTHERS, SHAPES
from benchmarks.ours import OURS
from benchmarks.report import Row, table
from benchmarks.rounds import photographs, take_turns

ROUNDS = 5


def measure(rounds: int = ROUNDS) -> list[Row]:
    made(SHAPES)
    names = {**dict.fromkeys(OURS, False), **dict.fromkeys(OTHERS, True)}
    rows, _ = take_turns(names, tuple(OTHERS), photographs([]), rounds)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    print(table(measure(parser.parse_args().rounds)))


if __name__ == "__main__":
    main()
