"""The events of a search."""

from collections.abc import Iterator

from faceserver.services.found import Hit, Person, Searched
from faceserver.services.telling import Event
from faceserver.store.base import Collection
from faceserver.store.codec import time_text


def events_of(held: Collection, found: Searched, *, remembered: bool) -> Iterator[Event]:
    """What a search has to tell: people who were recognised, strangers who were remembered.

    Args:
        held: the collection that was searched.
        found: what was found.
        remembered: whether strangers were to be remembered.
    """
    for probe in found.probes:
        hit, stranger = probe.verdict.best, probe.stranger
        if probe.verdict.answer == "known" and hit is not None and hit.person is not None:
            yield _match(held, hit, hit.person)
        elif remembered and stranger is not None:
            data = {
                "id": stranger.id,
                "seen": stranger.seen,
                "first": time_text(stranger.first),
                "last": time_text(stranger.last),
            }
            yield Event("stranger", held.name, data, held.lifetime)


def _match(held: Collection, hit: Hit, person: Person) -> Event:
    data = {
        "subject": {"id": person.id, "name": person.name},
        "face": hit.match.face.id,
        "distance": round(max(hit.match.distance, 0.0), 6),
    }
    return Event("match", held.name, data, held.lifetime)
