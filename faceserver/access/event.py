"""What the audit log holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Event:
    """Something that somebody did, or was refused.

    Attributes:
        who: name and id of the key; "anonymous" where none was given, "command line" for that.
        what: the method and the route, or the command.
        result: "ok", or the code of the error.
        status: of the HTTP answer, None on the command line.
        target: what it was done to: the variables of the route.
        address: where the request came from.
        request_id: as in the answer and the log.
        repeats: how many more like it were refused and are not written one by one.
    """

    who: str
    what: str
    result: str
    status: int | None = None
    target: Mapping[str, object] = field(default_factory=dict)
    address: str | None = None
    request_id: str | None = None
    repeats: int | None = None
