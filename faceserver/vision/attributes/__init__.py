"""What is told of a face beside where it is and whose it is; a module for each architecture."""

from faceserver.vision.attributes.base import Attribute, Cut, Value

__all__ = ["Attribute", "Cut", "Value"]
