"""Analyzers for the tests of processes: made in a moment, and able to do what real ones do not."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

from faceserver.errors import ModelError
from faceserver.types import DecodedPicture
from faceserver.vision.analyzer import Analyzer, FoundFaces
from tests.support.fakes import ColourDetector, ColourEmbedder

ENDS_ITS_PROCESS = b"ends its process"
ENDS_ITS_FIRST_PROCESS = b"ends its process where this file is missing: "
TAKES_FOREVER = b"takes forever"


class Peculiar(Analyzer):
    """Does what some bytes say before it decodes."""

    def read(
        self,
        data: bytes,
        *,
        max_bytes: int,
        max_pixels: int,
        attributes: Sequence[str] = (),
        whole: bool = False,
    ) -> tuple[DecodedPicture, FoundFaces]:
        if data == ENDS_ITS_PROCESS:
            os._exit(9)
        if data.startswith(ENDS_ITS_FIRST_PROCESS):
            mark = Path(data.removeprefix(ENDS_ITS_FIRST_PROCESS).decode())
            if not mark.exists():
                mark.touch()
                os._exit(9)
            data = mark.with_suffix(".jpg").read_bytes()
        if data == TAKES_FOREVER:
            time.sleep(1000)
        return super().read(
            data, max_bytes=max_bytes, max_pixels=max_pixels, attributes=attributes, whole=whole
        )


def made() -> Analyzer:
    return Peculiar(ColourDetector(), ColourEmbedder())


def fails() -> Analyzer:
    raise ModelError("there is no such model")


def ends() -> Analyzer:
    os._exit(3)
