"""Preprocessing in numpy."""

import numpy as np

from faceserver.engines.pixels import normalized
from faceserver.models.spec import FixedNormalization, WhiteningNormalization

NOISE = np.random.default_rng(3).integers(0, 256, (3, 160, 160, 3), np.uint8)


def test_each_channel_can_have_its_own_mean_and_scale() -> None:
    pixels = np.array([10, 20, 30], np.uint8).reshape(1, 1, 1, 3)
    how = FixedNormalization(kind="fixed", mean=(1, 2, 3), scale=(1, 0.5, 2))
    assert normalized(pixels, how).ravel().tolist() == [9, 9, 54]


def test_fixed_normalization() -> None:
    pixels = np.array([0, 127, 255], np.uint8).reshape(1, 1, 3, 1)
    how = FixedNormalization(kind="fixed", mean=127.5, scale=1 / 128)
    expected = [-127.5 / 128, -0.5 / 128, 127.5 / 128]
    assert np.allclose(normalized(pixels, how).ravel(), expected)


def test_whitening_takes_each_picture_by_itself() -> None:
    pixels = np.stack([crop // divisor for crop, divisor in zip(NOISE, (1, 2, 9), strict=True)])
    white = normalized(pixels, WhiteningNormalization(kind="whiten"))
    assert white.dtype == np.float32
    assert np.allclose(white.mean(axis=(1, 2, 3)), 0, atol=1e-4)
    assert np.allclose(white.std(axis=(1, 2, 3)), 1, atol=1e-4)


def test_whitening_a_flat_picture_does_not_divide_by_zero() -> None:
    flat = np.full((1, 8, 8, 3), 77, np.uint8)
    assert np.all(normalized(flat, WhiteningNormalization(kind="whiten")) == 0)
