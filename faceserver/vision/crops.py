"""How a face is cut out of its picture for a network, by the recipe in the model's description."""

import cv2
import numpy as np
from numpy.typing import NDArray

from faceserver.models.spec import AlignedCrop, CentredCrop, Crop, SquareCrop, StretchedCrop
from faceserver.types import Detection, Image
from faceserver.vision.geometry import cut_out, halved, resize
from faceserver.vision.orientation import turned, turned_picture, turns_to_upright


def crop_of(image: Image, detection: Detection, recipe: Crop) -> Image:
    """Cut a face out by a recipe: uint8, shape (size, size, 3), zero beyond the picture."""
    if isinstance(recipe, AlignedCrop):
        return aligned_crop(image, detection, recipe)
    if isinstance(recipe, CentredCrop):
        move = centring(detection, recipe)
        size = (recipe.size, recipe.size)
        return np.asarray(cv2.warpAffine(image, move, size, flags=cv2.INTER_LINEAR), np.uint8)
    if isinstance(recipe, StretchedCrop):
        return stretched_crop(image, detection, recipe)
    return square_crop(image, detection, recipe)


def square_crop(image: Image, detection: Detection, recipe: SquareCrop) -> Image:
    """Cut a face out by its box: uint8, shape (size, size, 3), zero beyond the picture.

    A face that lies on its side or upside down, by its points, is turned upright.
    """
    image, detection = _upright(image, detection)
    box = detection.box
    mean = (box.width + box.height) / 2
    side = max(round(recipe.side * mean), 1)
    left = round((box.x1 + box.x2 - side) / 2)
    top = round((box.y1 + box.y2 - side) / 2 + recipe.lowered * mean)
    return resize(cut_out(image, left, top, left + side, top + side), recipe.size, recipe.size)


def stretched_crop(image: Image, detection: Detection, recipe: StretchedCrop) -> Image:
    """Cut a face out by its enlarged box: uint8, shape (size, size, 3), zero beyond the picture.

    A face that lies on its side or upside down, by its points, is turned upright.
    """
    image, detection = _upright(image, detection)
    box = detection.box
    middle = np.array([box.x1 + box.x2, box.y1 + box.y2]) / 2
    half = np.array([box.width, box.height]) * recipe.side / 2
    left, top = (round(edge) for edge in (middle - half).tolist())
    right, bottom = (round(edge) for edge in (middle + half).tolist())
    inside = cut_out(image, left, top, max(right, left + 1), max(bottom, top + 1))
    return resize(inside, recipe.size, recipe.size)


def _upright(image: Image, detection: Detection) -> tuple[Image, Detection]:
    """The picture, turned so that the face is upright, and where the face is in it."""
    turns = turns_to_upright(detection)
    if not turns:
        return image, detection
    height, width = image.shape[:2]
    return turned_picture(image, turns), turned(detection, turns, width, height)


def aligned_crop(image: Image, detection: Detection, recipe: AlignedCrop) -> Image:
    """Cut a face out by its points: uint8, shape (size, size, 3), zero beyond the picture."""
    move = similarity_transform(np.array(detection.points), np.array(recipe.template))
    if recipe.smooth:
        image, move = _halved(image, move, recipe.size)
    size = (recipe.size, recipe.size)
    return np.asarray(cv2.warpAffine(image, move, size, flags=cv2.INTER_LINEAR), np.uint8)


def _halved(
    image: Image, move: NDArray[np.floating], size: int
) -> tuple[Image, NDArray[np.floating]]:
    """The part of a picture that a crop shows, halved until it is less than twice as large.

    Returns:
        The part, and what takes its pixels to those of the crop: shape (2, 3).
    """
    linear, shift = move[:, :2], move[:, 2]
    corners = np.array([[0, 0], [size, 0], [0, size], [size, size]], np.float64)
    reached = (corners - shift) @ np.linalg.pinv(linear).T
    edge = np.array(image.shape[1::-1])
    least = np.clip(np.floor(reached.min(axis=0)) - 2, 0, edge - 1).astype(int)
    most = np.clip(np.ceil(reached.max(axis=0)) + 3, least + 1, edge).astype(int)
    part = image[least[1] : most[1], least[0] : most[0]]
    shift = shift + linear @ least
    while abs(np.linalg.det(linear)) < 0.25 and min(part.shape[:2]) > 1:
        part = halved(part)
        # The middle of a pixel of the half lies between those of two: x = 2 x' + 1/2.
        linear, shift = 2 * linear, shift + linear @ np.array([0.5, 0.5])
    return part, np.hstack([linear, shift[:, np.newaxis]])


def centring(detection: Detection, recipe: CentredCrop) -> NDArray[np.floating]:
    """What takes the picture's pixels to those of a centred crop: shape (2, 3).

    A face that lies on its side or upside down, by its points, is turned upright.
    """
    box = detection.box
    scale = recipe.size / (recipe.side * max(box.width, box.height, 1e-6))
    middle = np.array([(box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2])
    linear = scale * np.linalg.matrix_power(_QUARTER_TURN, turns_to_upright(detection))
    return np.hstack([linear, (recipe.size / 2 - linear @ middle)[:, np.newaxis]])


_QUARTER_TURN = np.array([[0.0, 1.0], [-1.0, 0.0]])
"""Against the clock, as :func:`faceserver.vision.orientation.turned_picture` turns."""


def similarity_transform(
    source: NDArray[np.floating], target: NDArray[np.floating]
) -> NDArray[np.floating]:
    """The turn, scale and move that brings points nearest to others, without mirroring.

    The least squares solution of S. Umeyama: Least-Squares Estimation of Transformation Parameters
    Between Two Point Patterns, IEEE PAMI 13(4), 1991, equations 40 to 42.

    Args:
        source: shape (n, 2).
        target: likewise.

    Returns:
        Shape (2, 3): a matrix that takes (x, y, 1) to (x, y).
    """
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    centred, wanted = source - source_mean, target - target_mean
    left, spread, right = np.linalg.svd(wanted.T @ centred / len(source))
    signs = np.array([1.0, np.sign(np.linalg.det(left @ right))])
    turn = left @ np.diag(signs) @ right
    variance = max(float(np.square(centred).sum() / len(source)), 1e-12)
    scale = float((spread * signs).sum()) / variance
    shift = target_mean - scale * turn @ source_mean
    return np.hstack([scale * turn, shift[:, np.newaxis]])
