"""What finds faces and what embeds them."""

from faceserver.plugins.base import Detector, Embedder

__all__ = ["Detector", "Embedder"]
