"""SCRFD's arithmetic, number by number, on networks made here."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from faceserver.engines import Engine, EngineOptions, make_engine
from faceserver.errors import ModelError
from faceserver.models.spec import (
    DetectorSpec,
    FixedNormalization,
    InputSpec,
    NetworkFiles,
    OptionValue,
)
from faceserver.types import Image
from faceserver.vision.architectures import make_detector
from faceserver.vision.base import Detector, Loading
from tests.support.nets import anchor_net

SIDE = 128


@pytest.fixture(scope="module")
def engine() -> Engine:
    return make_engine("openvino", EngineOptions(threads=1))


def detector(
    onnx: Path, engine: Engine, options: Mapping[str, OptionValue], channels: str = "rgb"
) -> Detector:
    spec = DetectorSpec.model_validate(
        {
            "kind": "detector",
            "name": "anchors",
            "architecture": "scrfd",
            "source": "made by a test",
            "licence": "MIT",
            "input": InputSpec(
                channels=channels,  # type: ignore[arg-type]
                normalization=FixedNormalization(kind="fixed", mean=127.5, scale=1 / 128),
            ),
            "networks": {"scrfd": NetworkFiles(onnx=onnx)},
            "options": {"min_face": 8, "long_side": SIDE, **options},
        }
    )
    return make_detector(spec, Loading(engine))


def picture(stride: int, row: int, column: int, channel: int, shape: tuple[int, int]) -> Image:
    """Black but for one cell of a step."""
    image = np.zeros((*shape, 3), np.uint8)
    image[row * stride : (row + 1) * stride, column * stride : (column + 1) * stride, channel] = 255
    return image


@pytest.mark.parametrize("first", ["scores", "boxes", "points"])
@pytest.mark.parametrize("side", [SIDE, None])
@pytest.mark.parametrize("cell", [(8, 3, 5, 0), (8, 0, 15, 1), (16, 4, 2, 0), (16, 4, 2, 1)])
def test_a_claim_is_a_box_and_five_points(
    tmp_path: Path,
    engine: Engine,
    cell: tuple[int, int, int, int],
    side: int | None,
    first: str,
) -> None:
    stride, row, column, anchor = cell
    onnx = anchor_net(tmp_path / "net.onnx", side=side, first=first)
    found = detector(onnx, engine, {"fixed": side is not None}).detect(
        picture(stride, row, column, anchor, (SIDE, SIDE))
    )
    x, y, step = column * stride, row * stride, stride / (anchor + 1)
    claims = {(face.box.x1, face.box.y1, face.box.x2, face.box.y2): face for face in found}
    box = (x - step, y - 2 * step, x + 3 * step, y + 4 * step)
    face = claims[min(claims, key=lambda other: np.abs(np.subtract(other, box)).max())]
    assert np.allclose((face.box.x1, face.box.y1, face.box.x2, face.box.y2), box, atol=1e-3)
    spots = np.arange(1, 11).reshape(5, 2) / 10 * step
    assert np.allclose(face.points, spots + np.array([x, y]), atol=1e-3)
    assert abs(face.score - 127.5 / 128) < 1e-3


def test_boxes_come_back_in_the_pictures_own_pixels(tmp_path: Path, engine: Engine) -> None:
    onnx = anchor_net(tmp_path / "net.onnx", side=SIDE)
    wide = np.zeros((2 * SIDE, 4 * SIDE, 3), np.uint8)
    wide[64:96, 32:64, 0] = 255  # of what the network sees: columns 8 to 16, rows 16 to 24
    (face,) = detector(onnx, engine, {"score_threshold": 0.9}).detect(wide)
    assert np.allclose((face.box.x1, face.box.y1, face.box.x2, face.box.y2), (0, 0, 128, 192))
    assert np.allclose(face.points[0], (32 + 0.1 * 32, 64 + 0.2 * 32), atol=1e-3)


def test_colours_come_in_the_order_that_is_told(tmp_path: Path, engine: Engine) -> None:
    onnx = anchor_net(tmp_path / "net.onnx", side=SIDE, anchors=1)
    blue = picture(8, 3, 5, 2, (SIDE, SIDE))
    assert detector(onnx, engine, {}).detect(blue) == []
    assert detector(onnx, engine, {}, channels="bgr").detect(blue)


def test_five_steps_with_one_anchor_are_known_too(tmp_path: Path, engine: Engine) -> None:
    onnx = anchor_net(tmp_path / "net.onnx", side=SIDE, strides=(8, 16, 32, 64, 128), anchors=1)
    (face, *_) = detector(onnx, engine, {}).detect(picture(64, 1, 0, 0, (SIDE, SIDE)))
    assert np.allclose((face.box.x1, face.box.y1), (-64, 64 - 128), atol=1e-3)


def test_smaller_faces_than_asked_for_are_not_reported(tmp_path: Path, engine: Engine) -> None:
    onnx = anchor_net(tmp_path / "net.onnx", side=SIDE)
    cell = picture(8, 3, 5, 0, (SIDE, SIDE))
    assert detector(onnx, engine, {"min_face": 40}).detect(cell)
    assert detector(onnx, engine, {"min_face": 80}).detect(cell) == []


def test_a_network_without_points_is_refused(tmp_path: Path, engine: Engine) -> None:
    onnx = anchor_net(tmp_path / "net.onnx", side=SIDE, points=False)
    with pytest.raises(ModelError, match=r"not an SCRFD network.*: there are 3 outputs"):
        detector(onnx, engine, {}).detect(np.zeros((SIDE, SIDE, 3), np.uint8))


@pytest.mark.parametrize("shape", [(1, 1), (13, 700), (700, 13)])
def test_pictures_of_any_shape(tmp_path: Path, engine: Engine, shape: tuple[int, int]) -> None:
    for fixed in (True, False):
        onnx = anchor_net(tmp_path / f"{fixed}.onnx", side=SIDE if fixed else None)
        found = detector(onnx, engine, {"fixed": fixed}).detect(np.zeros((*shape, 3), np.uint8))
        assert found == []
