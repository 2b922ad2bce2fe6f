"""The architectures that models can be of, by the names that ``model.toml`` gives them.

An architecture is a function ``make(spec, loading)`` that loads the networks of a described model.
A new one is a module of its own and a line here.
"""

from faceserver.models.registry import Registry
from faceserver.models.spec import AttributeSpec, DetectorSpec, EmbedderSpec
from faceserver.vision.attributes.base import Attribute
from faceserver.vision.base import Detector, Embedder, Loading

detectors = Registry("detector architecture")
detectors.add("mtcnn", "faceserver.vision.mtcnn:make")
detectors.add("yunet", "faceserver.vision.yunet:make")
detectors.add("scrfd", "faceserver.vision.scrfd:make")

embedders = Registry("embedder architecture")
embedders.add("facenet", "faceserver.vision.facenet:make")
embedders.add("arcface", "faceserver.vision.arcface:make")

attributes = Registry("attribute architecture")
attributes.add("classes", "faceserver.vision.attributes.classes:make")
attributes.add("expectation", "faceserver.vision.attributes.expectation:make")
attributes.add("genderage", "faceserver.vision.attributes.genderage:make")
attributes.add("landmarks", "faceserver.vision.attributes.landmarks:make")
attributes.add("sharpness", "faceserver.vision.attributes.sharpness:make")
attributes.add("landmarks106", "faceserver.vision.attributes.landmarks106:make")
attributes.add("pose", "faceserver.vision.attributes.pose:make")
attributes.add("quality", "faceserver.vision.attributes.quality:make")


def make_detector(spec: DetectorSpec, loading: Loading) -> Detector:
    """Load a detector.

    Raises:
        UnknownName: its architecture is none of those that are known.
        ModelError: a file is missing or cannot be read, or an option does not fit.
    """
    detector: Detector = detectors.load(spec.architecture)(spec, loading)
    return detector


def make_embedder(spec: EmbedderSpec, loading: Loading) -> Embedder:
    """Load an embedder.

    Raises:
        UnknownName: its architecture is none of those that are known.
        ModelError: a file is missing or cannot be read, or an option does not fit.
    """
    embedder: Embedder = embedders.load(spec.architecture)(spec, loading)
    return embedder


def make_attribute(spec: AttributeSpec, loading: Loading) -> Attribute:
    """Load an attribute.

    Raises:
        UnknownName: its architecture is none of those that are known.
        ModelError: a file is missing or cannot be read, or an option does not fit.
    """
    attribute: Attribute = attributes.load(spec.architecture)(spec, loading)
    return attribute
