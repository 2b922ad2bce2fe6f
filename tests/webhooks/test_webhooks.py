"""Events go out signed, and again until they are taken; nothing here waits."""

import base64
import hashlib
import hmac
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from faceserver.errors import Busy, NotFound, StoreCorrupt, StoreUnavailable, UrlFailed
from faceserver.pictures.fetch import Fetcher
from faceserver.services.telling import Event, EventKind
from faceserver.store.memory.store import MemoryStore
from faceserver.webhooks import table
from faceserver.webhooks.checking import check_webhooks
from faceserver.webhooks.manager import Webhooks
from faceserver.webhooks.opening import open_webhooks
from faceserver.webhooks.purging import purge_webhooks
from faceserver.webhooks.records import Delivery
from faceserver.webhooks.sender import KEPT_FOR, PAUSES
from faceserver.webhooks.signing import headers_of, new_secret
from tests.support.loopback import Site, redirect, send, serve, status

URL = "https://hooks.example/faces"
MATCH = Event("match", "default", {"subject": {"id": "a" * 32, "name": "Zoë"}})


@dataclass
class World:
    """A clock that is set by hand, and receivers that answer as they are told."""

    now: datetime = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    answers: dict[str, int | Exception] = field(default_factory=dict)
    sent: list[tuple[str, bytes, Mapping[str, str]]] = field(default_factory=list)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        self.sent.append((url, body, headers))
        answer = self.answers.get(url, 200)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture(params=["alone", "shared"])
def hooks(request: pytest.FixtureRequest, tmp_path: Path, world: World) -> Iterator[Webhooks]:
    shared = request.param == "shared"
    address = request.getfixturevalue("postgres_url") if shared else ""
    with closing(opened(tmp_path, world, address)) as made:
        yield made


def opened(folder: Path, world: World, address: str = "") -> Webhooks:
    return Webhooks(
        folder,
        MemoryStore(dims=2),
        world.post,
        open_table=partial(open_webhooks, address),
        now=lambda: world.now,
    )


def make(hooks: Webhooks, *events: EventKind, url: str = URL, of: str | None = None) -> str:
    return hooks.create(url, events or ("match",), of)[0].id


def last(hooks: Webhooks, hook: str) -> Delivery:
    return hooks.deliveries(hook, limit=1).items[0]


def test_a_signature_is_that_of_the_specification() -> None:
    # The example of the specification "Standard Webhooks".
    now = datetime.fromtimestamp(1614265330, UTC)
    headers = headers_of(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        b'{"test": 2432232314}',
        now,
    )
    assert headers["webhook-id"] == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_an_event_is_sent_signed_and_noted(hooks: Webhooks, world: World) -> None:
    hook, secret = hooks.create(URL, ("match", "match"), None)
    assert hook.events == ("match",)
    hooks.tell(MATCH)
    assert last(hooks, hook.id).state == "waiting"
    assert hooks.sender.turn() == 1
    ((url, body, headers),) = world.sent
    assert (url, headers["Content-Type"]) == (URL, "application/json")
    assert json.loads(body) == {
        "type": "match",
        "timestamp": "2026-01-02T03:04:05.000000+00:00",
        "collection": "default",
        "data": MATCH.data,
    }
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{digest}"
    done = last(hooks, hook.id)
    assert (done.state, done.attempts, done.status, done.error) == ("delivered", 1, 200, None)
    assert (done.id, done.at, done.next) == (headers["webhook-id"], world.now, None)
    assert hooks.sender.turn() == 0


def test_secrets_differ() -> None:
    assert len({new_secret() for _ in range(9)}) == 9


def test_only_those_hear_of_an_event_who_want_to(hooks: Webhooks, world: World) -> None:
    hooks._store.create("staff", model="memory", dims=2)
    make(hooks, "match", url="all")
    make(hooks, "match", "job", url="staff", of="staff")
    make(hooks, "stranger", url="strangers")
    hooks.tell(MATCH)
    hooks.tell(Event("match", "staff", {}))
    hooks.tell(Event("job", "staff", {}))
    while hooks.sender.turn():
        pass
    assert sorted(url for url, _, _ in world.sent) == ["all", "all", "staff", "staff"]


def test_it_is_sent_again_later_and_later_and_then_given_up(hooks: Webhooks, world: World) -> None:
    hook = make(hooks)
    world.answers[URL] = 503
    hooks.tell(MATCH)
    for attempt, pause in enumerate(PAUSES, start=1):
        assert hooks.sender.turn() == 1
        waiting = last(hooks, hook)
        assert (waiting.state, waiting.attempts, waiting.status) == ("waiting", attempt, 503)
        assert waiting.next == world.now + pause
        assert "503" in (waiting.error or "")
        world.now += pause - timedelta(microseconds=1)
        assert hooks.sender.turn() == 0
        world.now += timedelta(microseconds=1)
    world.answers[URL] = UrlFailed("hooks.example cannot be reached")
    assert hooks.sender.turn() == 1
    given_up = last(hooks, hook)
    assert (given_up.state, given_up.attempts) == ("failed", len(PAUSES) + 1)
    assert (given_up.status, given_up.next) == (None, None)
    assert given_up.error == "hooks.example cannot be reached (url_failed)"
    assert len({headers["webhook-id"] for _, _, headers in world.sent}) == 1
    assert sorted(PAUSES) == list(PAUSES)


def test_what_is_taken_at_last_is_delivered(hooks: Webhooks, world: World) -> None:
    hook = make(hooks)
    world.answers[URL] = 500
    hooks.tell(MATCH)
    hooks.sender.turn()
    world.now += PAUSES[0]
    world.answers[URL] = 204
    hooks.sender.turn()
    assert (last(hooks, hook).state, last(hooks, hook).error) == ("delivered", None)
    first, second = (headers for _, _, headers in world.sent)
    assert first["webhook-signature"] != second["webhook-signature"]


@pytest.mark.parametrize(
    ("answer", "state"), [(410, "failed"), (302, "waiting"), (299, "delivered")]
)
def test_what_other_answers_mean(hooks: Webhooks, world: World, answer: int, state: str) -> None:
    hook = make(hooks)
    world.answers[URL] = answer
    hooks.tell(MATCH)
    hooks.sender.turn()
    assert (last(hooks, hook).state, last(hooks, hook).status) == (state, answer)


def test_one_receiver_that_fails_hinders_no_other(hooks: Webhooks, world: World) -> None:
    bad, good = make(hooks, url="bad"), make(hooks, url="good")
    world.answers["bad"] = 500
    for _ in range(3):
        hooks.tell(MATCH)
    while hooks.sender.turn():
        pass
    assert {item.state for item in hooks.deliveries(good, limit=9).items} == {"delivered"}
    assert {item.state for item in hooks.deliveries(bad, limit=9).items} == {"waiting"}


def test_what_waits_survives_a_restart(tmp_path: Path, world: World) -> None:
    with closing(opened(tmp_path, world)) as hooks:
        hook = make(hooks)
        hooks.tell(MATCH)
    with closing(opened(tmp_path, world)) as hooks:
        hooks.tell(Event("match", "default", {"second": True}))
        while hooks.sender.turn():
            pass
        assert len(hooks.deliveries(hook, limit=9).items) == 2
    assert len(world.sent) == 2


def test_deliveries_are_listed_newest_first_and_forgotten_in_time(
    hooks: Webhooks, world: World
) -> None:
    hook = make(hooks)
    for _ in range(3):
        hooks.tell(MATCH)
        hooks.sender.turn()
        world.now += timedelta(hours=1)
    page = hooks.deliveries(hook, limit=2)
    assert [item.created.hour for item in page.items] == [5, 4]
    rest = hooks.deliveries(hook, limit=2, cursor=page.cursor)
    assert ([item.created.hour for item in rest.items], rest.cursor) == ([3], None)
    world.now += KEPT_FOR - timedelta(hours=1)
    hooks.sender.turn()
    assert [item.created.hour for item in hooks.deliveries(hook, limit=9).items] == [5]


def test_too_many_waiting_events_are_not_kept(
    hooks: Webhooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "MOST_WAITING", 2)
    hook = make(hooks)
    for _ in range(4):
        hooks.tell(MATCH)
    assert len(hooks.deliveries(hook, limit=9).items) == 2
    with pytest.raises(Busy):
        hooks.ping(hook)


def test_a_webhook_that_is_deleted_hears_no_more(hooks: Webhooks, world: World) -> None:
    hook = make(hooks)
    hooks.tell(MATCH)
    hooks.delete(hook)
    hooks.tell(MATCH)
    assert hooks.sender.turn() == 0
    assert world.sent == []
    for call in (hooks.get, hooks.delete, hooks.ping):
        with pytest.raises(NotFound):
            call(hook)


def test_a_ping_tells_nothing(hooks: Webhooks, world: World) -> None:
    hooks.ping(make(hooks))
    hooks.sender.turn()
    ((_, body, _),) = world.sent
    told = json.loads(body)
    assert (told["type"], told["collection"], told["data"]) == ("ping", None, {})


def test_a_purge_leaves_nothing_of_what_was_told(tmp_path: Path, world: World) -> None:
    told = Event("match", "staff", {"subject": {"name": "Rumpelstilzchen"}})
    for collection in ("staff", None):
        with closing(opened(tmp_path, world)) as hooks:
            hooks._store.create("staff", model="memory", dims=2)
            kept = make(hooks)
            own = make(hooks, of="staff")
            hooks.tell(told)
            hooks.tell(MATCH)
        purge_webhooks(tmp_path, collection)
        stored = b"".join(path.read_bytes() for path in tmp_path.glob("webhooks.sqlite*"))
        assert b"Rumpelstilzchen" not in stored
        with closing(opened(tmp_path, world)) as hooks:
            assert len(hooks.deliveries(kept, limit=9).items) == (1 if collection else 0)
            with pytest.raises(NotFound):
                hooks.get(own)
    purge_webhooks(tmp_path / "nowhere")


def test_a_search_from_before_a_deletion_leaves_nothing_with_the_webhooks(
    hooks: Webhooks, world: World
) -> None:
    staff = hooks._store.create("staff", model="memory", dims=2)
    hook = make(hooks)
    told = Event("match", "staff", {"subject": {"name": "Zoë"}}, staff.lifetime)
    hooks.tell(told)
    hooks._store.purge("staff")
    hooks.forget("staff")
    hooks.tell(told)  # what the search has found before
    assert hooks.deliveries(hook, limit=9).items == ()
    hooks.tell(Event("match", "default", {}, hooks._store.collection().lifetime))
    assert len(hooks.deliveries(hook, limit=9).items) == 1


def test_a_damaged_file_is_told_and_set_aside(tmp_path: Path, world: World) -> None:
    assert check_webhooks(tmp_path) == []
    with closing(opened(tmp_path, world)) as hooks:
        make(hooks)
    assert check_webhooks(tmp_path) == []
    (tmp_path / "webhooks.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreCorrupt, match="check --repair"):
        opened(tmp_path, world)
    (finding,) = check_webhooks(tmp_path)
    assert finding.what.startswith("webhooks.sqlite: ")
    (mended,) = check_webhooks(tmp_path, repair=True)
    assert "moved to" in mended.mended
    with closing(opened(tmp_path, world)) as hooks:
        assert hooks.page(limit=9, cursor=None).items == ()


def test_secrets_are_for_the_owner_alone(tmp_path: Path, world: World) -> None:
    with closing(opened(tmp_path, world)) as hooks:
        make(hooks)
    assert (tmp_path / "webhooks.sqlite").stat().st_mode & 0o077 == 0


@pytest.fixture
def site() -> Iterator[Site]:
    with serve() as made:
        yield made


def fetcher(*networks: str) -> Fetcher:
    return Fetcher(timeout=5, max_bytes=1000, allow_networks=networks)


def through(tmp_path: Path, site: Site, post: Fetcher) -> Delivery:
    """A delivery over a socket."""
    with closing(Webhooks(tmp_path, MemoryStore(dims=2), post.post)) as hooks:
        hook = make(hooks, url=site.url("/hook"))
        hooks.tell(MATCH)
        assert hooks.sender.turn() == 1
        return last(hooks, hook)


def test_a_real_receiver_gets_it(tmp_path: Path, site: Site) -> None:
    site.answers["/hook"] = send(b"thanks")
    done = through(tmp_path, site, fetcher("127.0.0.0/8"))
    assert (done.state, done.status) == ("delivered", 200)
    (request,) = site.requests
    assert (request.command, request.headers["webhook-id"]) == ("POST", done.id)
    assert request.headers["User-Agent"].startswith("faceserver/")
    assert json.loads(site.bodies[0])["data"]["subject"]["name"] == "Zoë"


def test_a_private_address_is_not_asked(tmp_path: Path, site: Site) -> None:
    done = through(tmp_path, site, fetcher())
    assert (done.state, done.status, site.requests) == ("waiting", None, [])
    assert "url_forbidden" in (done.error or "")


def test_a_redirect_is_not_followed(tmp_path: Path, site: Site) -> None:
    site.answers["/hook"] = redirect("/elsewhere")
    site.answers["/elsewhere"] = status(200)
    done = through(tmp_path, site, fetcher("127.0.0.0/8"))
    assert (done.state, len(site.requests)) == ("waiting", 1)


def test_the_thread_sends_what_comes(tmp_path: Path, site: Site) -> None:
    site.answers["/hook"] = send(b"")
    hooks = Webhooks(tmp_path, MemoryStore(dims=2), fetcher("127.0.0.0/8").post)
    with closing(hooks):
        hooks.start()
        hook = make(hooks, url=site.url("/hook"))
        hooks.tell(MATCH)
        for _ in range(100_000):
            if last(hooks, hook).state == "delivered":
                break
        assert last(hooks, hook).state == "delivered"


def test_a_full_disk_hinders_no_search(tmp_path: Path, world: World) -> None:
    with closing(opened(tmp_path, world)) as hooks:
        hook = make(hooks)
        with closing(sqlite3.connect(tmp_path / "webhooks.sqlite")) as connection:
            connection.execute("DROP TABLE deliveries")
        hooks.tell(MATCH)
        assert hooks.get(hook).url == URL


def test_a_database_that_is_lost_hinders_no_search(
    hooks: Webhooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object, **__: object) -> None:
        raise StoreUnavailable("gone")

    make(hooks)
    for name in ("all", "queue"):
        monkeypatch.setattr(hooks._table, name, lost)
        hooks.tell(MATCH)
