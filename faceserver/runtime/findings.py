"""What a check has found."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Something that is wrong; ``mended`` says what was done, empty if nothing was."""

    what: str
    mended: str = ""


@dataclass(frozen=True)
class Finder:
    """Makes findings; ``repair`` says whether what is found is mended at once."""

    repair: bool

    def found(self, what: str, mend: Callable[[], str] | None = None) -> Finding:
        """Something that is wrong, mended where that is wanted and possible."""
        return Finding(what, mend() if mend and self.repair else "")
