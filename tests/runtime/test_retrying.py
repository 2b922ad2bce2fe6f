"""What failed is done again, with growing pauses, as long as there is time."""

import pytest

from faceserver.errors import EngineUnavailable, ModelError
from faceserver.runtime import deadline
from faceserver.runtime.retrying import Retries


class Failing:
    """Fails so many times."""

    def __init__(self, times: int, error: type[Exception] = EngineUnavailable) -> None:
        self.calls, self._times, self._error = 0, times, error

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self._times:
            raise self._error(f"call {self.calls}")
        return "done"


def test_pauses_double_up_to_the_longest() -> None:
    pauses: list[float] = []
    retries = Retries(attempts=6, first=0.2, longest=1.0, pause=pauses.append)
    act = Failing(5)
    assert retries.run(act, EngineUnavailable) == "done"
    assert act.calls == 6
    for pause, whole in zip(pauses, [0.2, 0.4, 0.8, 1.0, 1.0], strict=True):
        assert whole / 2 <= pause <= whole


def test_the_last_error_is_told() -> None:
    act = Failing(9)
    with pytest.raises(EngineUnavailable, match="call 3"):
        Retries(attempts=3, pause=lambda _: None).run(act, EngineUnavailable)
    assert act.calls == 3


def test_another_error_ends_it() -> None:
    act = Failing(9, ModelError)
    with pytest.raises(ModelError, match="call 1"):
        Retries(pause=lambda _: None).run(act, EngineUnavailable)
    assert act.calls == 1


def test_nothing_is_tried_that_would_begin_after_the_deadline() -> None:
    act = Failing(9)
    with deadline.deadline(0.01), pytest.raises(EngineUnavailable, match="call 1"):
        Retries(first=1, pause=lambda _: pytest.fail("it waits")).run(act, EngineUnavailable)
    assert act.calls == 1
