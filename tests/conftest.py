from collections.abc import Iterator

import hypothesis
import pytest

from tests.support.photographs import Photographs, fetch_photographs
from tests.support.s3_server import ENVIRONMENT, S3Server, s3_server

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("faceserver", deadline=None)
hypothesis.settings.load_profile("faceserver")


@pytest.fixture(scope="session")
def photographs() -> Photographs:
    """Real photographs; a test that asks for them fails where they cannot be had."""
    return fetch_photographs()


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A real S3 server, whose key stands in the environment."""
    with pytest.MonkeyPatch.context() as patch, s3_server(tmp_path_factory.mktemp("s3")) as server:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        yield server
