"""The people of a collection in memory, listed in any order."""

from collections.abc import Mapping, Sequence

from faceserver.store.base import Page
from faceserver.store.codec import time_text
from faceserver.store.cursor import row_of
from faceserver.store.listing import DESCENDING, SORTED_BY, Key, Order, place_of, sorted_cursor
from faceserver.store.memory.faces import page_of
from faceserver.store.names import folded
from faceserver.types import Subject


def fits(person: Subject, tags: Sequence[str], called: str, hidden: bool | None) -> bool:
    """Whether a person belongs to a list; see ``SubjectCollection.subjects``."""
    return (
        set(tags) <= {*person.tags}
        and folded(called.strip()) in folded(person.name)
        and hidden in {None, person.hidden}
    )


def page_of_people(
    people: Mapping[int, Subject], order: Order, *, limit: int, cursor: str | None
) -> Page[Subject]:
    """Some of the people, by their rows; see ``SubjectCollection.subjects``."""
    if order == "stored":
        after = row_of(cursor)
        return page_of(people, [row for row in people if row > after], limit)
    descending = order in DESCENDING
    places = sorted(
        ((_key(person, order), row) for row, person in people.items()), reverse=descending
    )
    if cursor is not None:
        last = place_of(cursor, order)
        places = [place for place in places if (place < last if descending else place > last)]
    items = tuple(people[row] for _, row in places[:limit])
    return Page(items, sorted_cursor(order, *places[limit - 1]) if len(places) > limit else None)


def _key(person: Subject, order: Order) -> Key:
    if order == "name":
        return folded(person.name)[:SORTED_BY]
    return person.faces if order == "faces" else time_text(person.created)
