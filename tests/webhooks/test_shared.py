"""Webhooks of two servers on one database: made, told and sent by either, each event once."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from threading import Event as Flag

import pytest

from faceserver.errors import NotFound
from faceserver.services.telling import Event
from faceserver.webhooks.manager import Webhooks
from faceserver.webhooks.purging import purge_webhooks
from tests.store.conftest import shared
from tests.webhooks.test_webhooks import MATCH, World, last, make, opened

Both = tuple[Webhooks, Webhooks]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def both(postgres_url: str, tmp_path: Path, world: World) -> Iterator[Both]:
    folders = [tmp_path / name for name in ("one", "other")]
    with (
        closing(opened(folders[0], world, postgres_url)) as one,
        closing(opened(folders[1], world, postgres_url)) as other,
    ):
        yield one, other


def test_what_one_server_makes_every_server_tells_and_sends(both: Both, world: World) -> None:
    here, there = both
    hook = make(here)
    there.tell(MATCH)
    assert here.sender.turn() == 1
    assert there.sender.turn() == 0
    assert len(world.sent) == 1
    assert last(there, hook).state == "delivered"
    there.delete(hook)
    here.tell(MATCH)
    assert (here.sender.turn(), len(world.sent)) == (0, 1)
    with pytest.raises(NotFound):
        here.get(hook)


def test_a_receiver_gets_one_event_at_a_time_from_all_servers(both: Both, world: World) -> None:
    here, there = both
    hook = make(here)
    for number in range(2):
        here.tell(Event("match", "default", {"number": number}))
    elsewhere: list[int] = []
    plain = world.post

    def post(*given: object) -> int:
        elsewhere.append(there.sender.turn())
        return plain(*given)  # type: ignore[arg-type]

    here.sender._post = post
    assert here.sender.turn() == 1
    assert elsewhere == [0]
    assert there.sender.turn() == 1
    assert [b'"number": 0' in body for _, body, _ in world.sent] == [True, False]
    assert [item.state for item in here.deliveries(hook, limit=9).items] == ["delivered"] * 2


def test_a_search_of_another_server_leaves_nothing_after_a_deletion(
    both: Both, postgres_url: str, tmp_path: Path
) -> None:
    here, there = both
    hook = make(here)
    with (
        closing(shared(postgres_url, tmp_path / "a", 0)) as one,
        closing(shared(postgres_url, tmp_path / "b", 0)) as other,
    ):
        told = Event("match", "default", {"name": "Zoë"}, other.collection().lifetime)
        there.tell(told)
        assert len(here.deliveries(hook, limit=9).items) == 1
        one.purge("default")
        here.forget("default")
        there.tell(told)  # the other server has not heard of the deletion
    assert here.deliveries(hook, limit=9).items == ()


def test_another_server_goes_on_where_one_died_while_sending(both: Both, world: World) -> None:
    here, there = both
    hook = make(here)
    here.tell(MATCH)
    assert len(here._table.due(world.now, limit=4)) == 1  # and nothing is noted of it any more
    assert there.sender.turn() == 0
    next_due = there._table.next_due()
    assert next_due
    assert next_due > world.now, "nobody asks again and again meanwhile"
    world.now += timedelta(minutes=6)
    assert there.sender.turn() == 1
    assert last(here, hook).state == "delivered"


def test_a_purge_reaches_the_database(
    both: Both, postgres_url: str, tmp_path: Path, world: World
) -> None:
    here, there = both
    hook = make(here)
    here.tell(MATCH)
    purge_webhooks(tmp_path, "another", address=postgres_url)
    assert len(there.deliveries(hook, limit=9).items) == 1
    purge_webhooks(tmp_path, address=postgres_url)
    assert there.deliveries(hook, limit=9).items == ()
    assert there.sender.turn() == 0


def test_what_one_server_queues_the_other_hears_of_at_once(both: Both) -> None:
    here, there = both
    make(here)
    heard = Flag()
    there._table.listen(heard.set)
    assert heard.wait(30), "what happened before it began to listen"
    heard.clear()
    here.tell(MATCH)
    assert heard.wait(30)
