"""A real inference server, for the tests of the engine that uses one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from faceserver.models.files import FoundModel
from faceserver.models.remote import RemoteNetwork
from faceserver.models.spec import DetectorSpec, EmbedderSpec, load_spec
from tests.support.triton import Triton, exported, triton_server

MODELS = Path(__file__).resolve().parents[2] / "models"


def models() -> Iterator[FoundModel]:
    """The detector and the embedder, each network by our own name for it."""
    specs: list[DetectorSpec | EmbedderSpec] = [
        load_spec(MODELS / "mtcnn", DetectorSpec),
        load_spec(MODELS / "inception_resnet" / "20180408-102900", EmbedderSpec),
    ]
    for spec in specs:
        networks = {
            name: files.model_copy(update={"remote": RemoteNetwork(model=name)})
            for name, files in spec.networks.items()
        }
        yield FoundModel(spec.name, spec.model_copy(update={"networks": networks}))


@pytest.fixture(scope="session")
def triton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Triton]:
    repository = exported(models(), tmp_path_factory.mktemp("triton"))
    with triton_server(repository) as server:
        yield server
