import pytest

from faceserver.vision.calls import calls


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, []),
        (1, [(0, 1)]),
        (2, [(0, 2)]),
        (3, [(0, 4)]),
        (5, [(0, 4), (4, 1)]),
        (6, [(0, 8)]),
        (9, [(0, 8), (8, 1)]),
        (11, [(0, 8), (8, 4)]),
        (12, [(0, 16)]),
        (33, [(0, 16), (16, 16), (32, 1)]),
    ],
)
def test_calls_come_in_few_sizes_and_are_nearly_full(
    count: int, expected: list[tuple[int, int]]
) -> None:
    assert calls(count, (1, 2, 4, 8, 16)) == expected


@pytest.mark.parametrize("count", [1, 7, 15])
def test_fewer_than_the_smallest_size_are_one_call(count: int) -> None:
    assert calls(count, (16, 32)) == [(0, 16)]


def test_every_item_has_its_call() -> None:
    for count in range(200):
        covered = [
            item for start, size in calls(count, (4, 8)) for item in range(start, start + size)
        ]
        assert covered[:count] == list(range(count))


@pytest.mark.parametrize(
    ("count", "parts", "expected"),
    [(3, 2, [4]), (8, 2, [4, 4]), (9, 2, [4, 4, 1]), (16, 2, [8, 8]), (16, 4, [4, 4, 4, 4])],
)
def test_no_call_takes_more_than_its_share_or_the_least(
    count: int, parts: int, expected: list[int]
) -> None:
    shared = calls(count, (1, 2, 4, 8), parts=parts, least=4)
    assert [size for _, size in shared] == expected
