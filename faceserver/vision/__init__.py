"""What finds faces and what embeds them."""

from faceserver.vision.base import Detector, Embedder

__all__ = ["Detector", "Embedder"]
