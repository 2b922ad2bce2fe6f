import pytest

from tests.support.photographs import Photographs, fetch_photographs


@pytest.fixture(scope="session")
def photographs() -> Photographs:
    """Real photographs; a test that asks for them fails where they cannot be had."""
    return fetch_photographs()
