"""Adding an error: docs/extending.md."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from faceserver.config import load_settings
from faceserver.errors import ImageError
from faceserver.types import Detection, Image
from faceserver.vision.mtcnn.detector import MtcnnDetector
from faceserver.web.errors import STATUS
from tests.extending.running import post, served
from tests.support.photographs import Photographs


class TooBlurry(ImageError):
    """The picture is too blurry to find faces in it."""

    code = "too_blurry"


def refuse(_self: MtcnnDetector, _image: Image) -> Iterator[Detection]:
    raise TooBlurry("the picture is too blurry")


def test_a_new_error_reaches_every_interface(
    tmp_path: Path, photographs: Photographs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(STATUS, "too_blurry", 422)
    told = {"code": "too_blurry", "message": "the picture is too blurry"}
    with served(load_settings(data_dir=tmp_path)) as client:
        monkeypatch.setattr(MtcnnDetector, "detect", refuse)
        picture = photographs["obama.jpg"]
        assert post(client, "/faceRegister", picture)["faces"][0]["error"] == told
        problem = post(client, "/v1/detect", picture)
    assert (problem["status"], problem["code"], problem["detail"]) == (422, *told.values())
