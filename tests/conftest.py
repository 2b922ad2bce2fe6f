from collections.abc import Iterator

import hypothesis
import pytest

from tests.support.photographs import Photographs, fetch_photographs
from tests.support.postgres import PostgresServer, postgres_server, require_postgres
from tests.support.s3_server import ENVIRONMENT, S3Server, s3_server

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("faceserver", deadline=None)
hypothesis.settings.load_profile("faceserver")


@pytest.fixture(scope="session")
def photographs() -> Photographs:
    """Real photographs; a test that asks for them fails where they cannot be had."""
    return fetch_photographs()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL with a database ``prepared``, whose schema is that of this version."""
    require_postgres()
    from faceserver.store.postgres.schema import upgrade  # noqa: PLC0415 - needs its client

    with postgres_server() as server, server.database() as url:
        upgrade(url)
        server.prepared = url.rsplit("/", 1)[-1]
        yield server


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """The address of a database of its own, prepared and empty."""
    with postgres.database(postgres.prepared) as url:
        yield url


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A real S3 server, whose key stands in the environment."""
    with pytest.MonkeyPatch.context() as patch, s3_server(tmp_path_factory.mktemp("s3")) as server:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        yield server
