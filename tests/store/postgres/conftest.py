"""Two servers on one database."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.postgres import open_shared

if TYPE_CHECKING:
    from faceserver.store.postgres.store import PostgresStore

Servers = tuple["PostgresStore", "PostgresStore"]


@pytest.fixture
def servers(postgres_url: str, tmp_path: Path) -> Iterator[Servers]:
    with (
        closing(open_shared(postgres_url, tmp_path)) as one,
        closing(open_shared(postgres_url, tmp_path)) as other,
    ):
        yield one, other
