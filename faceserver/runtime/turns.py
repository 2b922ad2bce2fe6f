"""A thread that does what is due, turn after turn, and rests in between."""

from collections.abc import Callable
from threading import Event, Thread


class Turns:
    """The thread. Its methods may be called from several threads at once."""

    def __init__(self, name: str, turn: Callable[[], float | None]) -> None:
        """Begin nothing yet.

        Args:
            name: of the thread.
            turn: does what is due, and must not raise. It returns for how many seconds nothing will
                be: 0 goes on at once, None rests until somebody calls :meth:`wake`.
        """
        self._turn = turn
        self._stop = Event()
        self._wake = Event()
        self._thread = Thread(target=self._run, name=name, daemon=True)

    @property
    def is_stopping(self) -> bool:
        """Whether a turn that takes long is to come to its end."""
        return self._stop.is_set()

    def start(self) -> None:
        """Begin the first turn."""
        self._thread.start()

    def wake(self) -> None:
        """There may be something to do: end the rest, or the one after this turn."""
        self._wake.set()

    def stop(self) -> None:
        """Begin no further turn; does not wait for the one under way."""
        self._stop.set()
        self._wake.set()

    def close(self) -> None:
        """Stop, and wait for the turn under way; what was never started is closed at once."""
        self.stop()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            rest = self._turn()
            if rest != 0 and not self._stop.is_set():  # set, and the wake cleared, just now
                self._wake.wait(rest)
