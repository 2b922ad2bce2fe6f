"""Does again what failed because another machine did not answer."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from random import uniform
from typing import TypeVar

from faceserver.runtime import deadline

Result = TypeVar("Result")


@dataclass(frozen=True)
class Retries:
    """How often, and with which pauses; each pause is about twice as long as the one before.

    A pause is shortened by chance to between a half and the whole, so that many servers that lost
    the same machine do not all come back at the same moment.

    Attributes:
        attempts: in all, the first included.
        first: seconds of the first pause.
        longest: seconds that no pause exceeds.
        pause: passes so many seconds.
    """

    attempts: int = 4
    first: float = 0.2
    longest: float = 2.0
    pause: Callable[[float], object] = time.sleep

    def run(self, act: Callable[[], Result], again: type[Exception]) -> Result:
        """What ``act`` returns; it must be safe to be done twice.

        Args:
            act: what is to be done.
            again: the error after which it is done again; any other ends it.

        Raises:
            Exception: the last error, when all attempts failed or the request's time would be over
                before the next one.
        """
        for number in range(self.attempts - 1):
            try:
                return act()
            except again:
                seconds = min(self.first * 2**number, self.longest) * uniform(0.5, 1)  # noqa: S311
                if deadline.left() <= seconds:
                    raise
                self.pause(seconds)
        return act()
