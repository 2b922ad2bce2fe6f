"""A server refuses a database of another version, and says what to do."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from faceserver.access.guard import open_keys
from faceserver.app import picture_place
from faceserver.config import load_settings
from faceserver.errors import InvalidSetting, StoreMismatch, StoreOutdated, StoreTooNew
from faceserver.store.exemplars import Exemplar
from faceserver.store.names import name_key
from faceserver.store.pictures import open_pictures
from tests.store.samples import DIMS, MODEL, new_face, people
from tests.support.postgres import PostgresServer, open_shared
from tests.support.s3_server import S3Server

OLD_NAME = "Zoë Ấ Ö한"

if TYPE_CHECKING:
    from faceserver.runtime.postgres import Transaction


def test_a_new_database_is_upgraded_first_and_only_once(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    from faceserver.store.postgres.schema import upgrade  # noqa: PLC0415 - needs its client

    with postgres.database() as url:
        with pytest.raises(StoreOutdated, match="db upgrade"):
            open_shared(url, tmp_path)
        with ThreadPoolExecutor(4) as pool:
            versions = set(pool.map(upgrade, [url] * 4))
        assert len(versions) == 1
        open_shared(url, tmp_path).close()


def test_a_newer_schema_is_refused(postgres_url: str, tmp_path: Path) -> None:
    from faceserver.store.postgres.schema import upgrade  # noqa: PLC0415 - needs its client

    store = open_shared(postgres_url, tmp_path)
    store.database.write(lambda t: t.run("UPDATE faceserver_schema SET version = 9999"))
    store.close()
    for call in (lambda: open_shared(postgres_url, tmp_path), lambda: upgrade(postgres_url)):
        with pytest.raises(StoreTooNew, match="9999"):
            call()


def test_another_model_is_refused(postgres_url: str, tmp_path: Path) -> None:
    from faceserver.store.postgres.store import open_store  # noqa: PLC0415 - needs its client

    open_shared(postgres_url, tmp_path).close()
    with pytest.raises(StoreMismatch, match="change-model"):
        open_store(postgres_url, tmp_path, model="another", dims=3)


def test_what_is_no_address_is_refused(postgres: PostgresServer, tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting):
        open_shared("postgresql://[host/x", tmp_path)


def test_what_an_older_version_has_stored_is_taken_along(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from faceserver.runtime.postgres import Postgres  # noqa: PLC0415 - needs its client
    from faceserver.store.postgres.migrations import MIGRATIONS  # noqa: PLC0415 - likewise
    from faceserver.store.postgres.schema import upgrade  # noqa: PLC0415 - likewise

    with postgres.database() as url:
        with monkeypatch.context() as patch:
            patch.setattr(f"{upgrade.__module__}.MIGRATIONS", MIGRATIONS[:3])
            assert upgrade(url) == 3
        with closing(Postgres(url, connections=1)) as database:
            database.write(_fill_third_schema)
        upgrade(url)
        with closing(open_shared(url, tmp_path)) as store:
            held = store.collection()
            assert held.created == datetime(2020, 1, 2, tzinfo=UTC)
            assert held.count() == 1
            (face,) = held.faces(limit=1).items
            kept = held.keep(Exemplar("refusal", face.embedding, face=face.id))
            assert held.exemplar(kept.id).face == face.id
            (person,) = held.subjects(limit=9, called="ZOE a ö한", order="name").items
            assert (person.name, person.hidden, person.cover_chosen) == (OLD_NAME, False, False)
        settings = load_settings(store=url)
        with open_keys(settings) as keys:
            assert [(key.name, key.kind) for key in keys.all()] == [("old", "own")]


def _fill_third_schema(transaction: "Transaction") -> None:
    """A face, a person and a key, as a server of the third schema has stored them."""
    vector = "[" + ",".join(["1"] + ["0"] * (DIMS - 1)) + "]"
    for statement in (
        f"INSERT INTO spaces (model, dims) VALUES ('{MODEL}', {DIMS})",
        "INSERT INTO collections (name, space) VALUES ('default', 1)",
        *(
            f"CREATE TABLE {table}_1 PARTITION OF {table} FOR VALUES IN (1)"
            for table in ("faces", "subjects", "merges")
        ),
        f"CREATE TABLE vectors_1 (face bigint PRIMARY KEY, vector vector({DIMS}) NOT NULL)",
        (
            "INSERT INTO faces (collection, id, uuid, source, tags, attributes, created, box,"
            " points, score) VALUES (1, 1, repeat('a', 32), '', '{}', '{}', '2020-01-02T00:00:00Z',"
            " '{0, 0, 9, 9}', '{1, 1, 2, 2, 3, 3, 4, 4, 5, 5}', 0.9)"
        ),
        f"INSERT INTO vectors_1 VALUES (1, '{vector}')",
        (
            "INSERT INTO subjects (collection, uuid, name, name_key, name_hash, tags, metadata,"
            f" created) VALUES (1, repeat('b', 32), '{OLD_NAME}', '{name_key(OLD_NAME)}',"
            " sha256('x'), '{}', '{}', now())"
        ),
        (
            "INSERT INTO keys (id, name, scope, hash, created)"
            " VALUES ('0123456789ab', 'old', 'read', sha256('x'), now())"
        ),
    ):
        transaction.run(statement)


def test_servers_of_one_database_are_one_gallery_to_a_bucket(
    postgres_url: str, tmp_path: Path, s3: S3Server
) -> None:
    place = s3.options(uuid4().hex)
    told = {
        "pictures": place.url,
        "s3_endpoint": place.endpoint,
        "s3_region": place.region,
        "store": postgres_url,
    }
    servers = [load_settings(data_dir=tmp_path / name, **told) for name in ("one", "other")]
    here, there = (picture_place(settings) for settings in servers)
    assert here
    assert there
    with (
        closing(open_shared(postgres_url, tmp_path, place=here)) as one,
        closing(open_shared(postgres_url, tmp_path, place=there)) as other,
    ):
        picture = b"a picture"
        with one.pictures.batch() as save:
            name = save(picture)
            one.collection().add([replace(new_face(people(1)[0]), picture=name)])
        with other.pictures.open(name) as stream:
            assert stream.read() == picture
        other.sweep()
        assert list(one.pictures.names()) == [name]
    alone = open_pictures(tmp_path / "third", place)
    with pytest.raises(StoreMismatch, match="another gallery"):
        alone.prepare()
