"""How many items each call of a network takes.

A runtime prepares itself for each size of a batch anew, which takes longer than the call itself. So
there are few sizes, which the first copy of a network meets before there is work.
"""

from collections.abc import Sequence
from itertools import accumulate


def calls(
    count: int, sizes: Sequence[int], *, parts: int = 1, least: int = 1
) -> list[tuple[int, int]]:
    """Share items out among calls.

    Args:
        count: of the items.
        sizes: of the calls that there may be, smallest first, each twice the one before it.
        parts: calls that are made at the same time: none takes more than its share.
        least: size that a call may have in any case.

    Returns:
        For each call its first item and its size; the last may reach beyond the items. A call that
        is filled to three quarters is as fast as the smaller ones that would add up to the number.
    """
    if parts > 1:
        share = max(least, sizes[0], -(-count // parts))
        sizes = [size for size in sizes if size <= share]
    chosen: list[int] = []
    left = count
    while left > 0:
        fitting = max((size for size in sizes if size <= left), default=sizes[0])
        doubled = min(2 * fitting, sizes[-1])
        chosen.append(doubled if 4 * left >= 3 * doubled else fitting)
        left -= chosen[-1]
    return list(zip(accumulate(chosen, initial=0), chosen, strict=False))
