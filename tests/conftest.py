import hypothesis
import pytest

from tests.support.photographs import Photographs, fetch_photographs

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("faceserver", deadline=None)
hypothesis.settings.load_profile("faceserver")


@pytest.fixture(scope="session")
def photographs() -> Photographs:
    """Real photographs; a test that asks for them fails where they cannot be had."""
    return fetch_photographs()
