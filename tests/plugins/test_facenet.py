from pathlib import Path

import numpy as np
import pytest

from faceserver.engines import EngineOptions, make_engine
from faceserver.models import (
    EmbedderSpec,
    FixedNormalization,
    SquareCrop,
    WhiteningNormalization,
    load_spec,
)
from faceserver.plugins.facenet import FaceNetEmbedder, normalized, square_crop
from tests.fakes import detection

MODEL = Path(__file__).resolve().parents[2] / "models/inception_resnet/20180408-102900"


@pytest.fixture(scope="module")
def embedder() -> FaceNetEmbedder:
    engine = make_engine("openvino", EngineOptions(threads=2))
    return FaceNetEmbedder(load_spec(MODEL, EmbedderSpec), engine, "f32")


def noise(count: int, side: int = 160) -> list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    return list(np.random.default_rng(count).integers(0, 256, (count, side, side, 3), np.uint8))


@pytest.mark.parametrize("count", [1, 7, 33])
def test_embeddings_have_unit_length_and_do_not_depend_on_the_batch(
    embedder: FaceNetEmbedder, count: int
) -> None:
    crops = noise(count)
    together = embedder.embed(crops)
    assert together.shape == (count, 512)
    assert together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    for row in {0, count // 2, count - 1}:
        assert np.abs(embedder.embed([crops[row]])[0] - together[row]).max() < 1e-4


def test_no_crops_give_no_embeddings(embedder: FaceNetEmbedder) -> None:
    assert embedder.embed([]).shape == (0, 512)


def test_the_crop_is_a_lowered_square_around_the_box() -> None:
    image = np.zeros((400, 400, 3), np.uint8)
    image[:, :, 0], image[:, :, 1] = np.mgrid[0:400, 0:400].astype(np.uint8)  # rows, columns
    recipe = SquareCrop(kind="square", side=1.2, lowered=0.1, size=120)
    crop = square_crop(image, detection(50, 60, 100), recipe)
    # Mean size 100: a side of 120 about the centre (100, 110) lowered by 10 to 120.
    assert np.array_equal(crop, image[60:180, 40:160])


def test_the_crop_is_zero_beyond_the_picture() -> None:
    white = np.full((100, 100, 3), 255, np.uint8)
    recipe = SquareCrop(kind="square", side=1.0, lowered=0.0, size=100)
    crop = square_crop(white, detection(-50, 0, 100), recipe)
    assert np.all(crop[:, :50] == 0)
    assert np.all(crop[:, 50:] == 255)


def test_fixed_normalization() -> None:
    pixels = np.array([0, 127, 255], np.uint8).reshape(1, 1, 3, 1)
    how = FixedNormalization(kind="fixed", mean=127.5, scale=1 / 128)
    expected = [-127.5 / 128, -0.5 / 128, 127.5 / 128]
    assert np.allclose(normalized(pixels, how).ravel(), expected)


def test_whitening_takes_each_picture_by_itself() -> None:
    pixels = np.stack([crop // divisor for crop, divisor in zip(noise(3), (1, 2, 9), strict=True)])
    white = normalized(pixels, WhiteningNormalization(kind="whiten"))
    assert white.dtype == np.float32
    assert np.allclose(white.mean(axis=(1, 2, 3)), 0, atol=1e-4)
    assert np.allclose(white.std(axis=(1, 2, 3)), 1, atol=1e-4)


def test_whitening_a_flat_picture_does_not_divide_by_zero() -> None:
    flat = np.full((1, 8, 8, 3), 77, np.uint8)
    assert np.all(normalized(flat, WhiteningNormalization(kind="whiten")) == 0)
