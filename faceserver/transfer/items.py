"""What an import takes in, and what becomes of it."""

from collections.abc import Callable
from dataclasses import dataclass

from faceserver.services.registering import Examined, Refused, Registered
from faceserver.types import Face


@dataclass(frozen=True)
class Item:
    """A picture that is to be imported.

    Attributes:
        source: what it is called.
        load: returns its bytes; raises InputError.
        person: name of whom it shows, None if nobody said.
        tags: of its faces.
        external_id: likewise.
        by_name: it is the same picture if it has the same name, whatever its bytes.
    """

    source: str
    load: Callable[[], bytes]
    person: str | None = None
    tags: tuple[str, ...] = ()
    external_id: str | None = None
    by_name: bool = False


@dataclass(frozen=True)
class Present:
    """A picture that was in already."""

    name: str


@dataclass(frozen=True)
class Changed:
    """A picture that was in already, of which something is new now.

    Attributes:
        name: what it is called.
        change: what is new, for people.
    """

    name: str
    change: str


@dataclass(frozen=True)
class Differs:
    """A picture that was in already, of which something else is said; what was stored stays.

    Attributes:
        name: what it is called.
        reason: what differs, for people.
    """

    name: str
    reason: str


@dataclass(frozen=True, eq=False)
class InAlready:
    """A picture whose faces are stored, not yet compared with what is said of it.

    Attributes:
        name: what it is called.
        faces: the first of them; none where the first was deleted by hand.
    """

    name: str
    faces: tuple[Face, ...] = ()


Outcome = Registered | Refused | Present | Changed | Differs
Found = Examined | Refused | InAlready
