"""A server refuses a database of another version, and says what to do."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from faceserver.errors import InvalidSetting, StoreMismatch, StoreOutdated, StoreTooNew
from tests.support.postgres import PostgresServer, open_shared


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
