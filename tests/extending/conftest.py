"""The real registries, which forget what a test has added when it ends."""

import os
import shutil
from pathlib import Path

import pytest

from faceserver.engines import engines
from faceserver.store.opening import stores
from faceserver.store.pictures.places import places
from faceserver.vision import architectures

ROOT = Path(__file__).resolve().parents[2]
REGISTRIES = (
    engines,
    stores,
    places,
    architectures.detectors,
    architectures.embedders,
    architectures.attributes,
)


@pytest.fixture(autouse=True)
def _registries_are_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    for registry in REGISTRIES:
        monkeypatch.setattr(registry, "_targets", dict(registry._targets))


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A models folder with links to the real models, to which a test adds its own."""
    folder = tmp_path / "models"
    shutil.copytree(ROOT / "models", folder, copy_function=os.symlink)
    return folder
