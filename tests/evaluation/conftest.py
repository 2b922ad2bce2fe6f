"""Photographs of two people, in a folder for each."""

from pathlib import Path

import pytest

from tests.services.test_facade import GREEN, PINK, RED, png
from tests.support.fakes import ColourDetector

DETECTOR = ColourDetector()
PEOPLE = {"ann/1.png": RED, "ann/2.png": PINK, "ben/1.png": GREEN, "ben/2.png": GREEN}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "people"
    for name, colour in PEOPLE.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(colour))
    return root
