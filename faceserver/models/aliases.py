"""Names of models as users of other programs know them, and what they are here.

The one table of them. CompreFace calls plugins ``family.Class@model``; other programs use short
names of attributes.
"""

from collections.abc import Collection

_ALIASES = {
    "facenet.FaceDetector": "mtcnn",
    "facenet.Calculator": "inception_resnet/20180408-102900",
    "facenet.LandmarksDetector": "landmarks",
    "facenet.PoseEstimator": "pose",
    "facemask.MaskDetector": "mask",
    "facenet.facemask.MaskDetector": "mask",
    "insightface.FaceDetector": "scrfd",
    "insightface.Calculator": "arcface",
    "insightface.AgeDetector": "age",
    "insightface.GenderDetector": "gender",
    "insightface.LandmarksDetector": "landmarks",
    "insightface.Landmarks2d106Detector": "landmarks106",
    "insightface.PoseEstimator": "pose",
    "insightface.facemask.MaskDetector": "mask",
    "rude_carnie.age": "age",
    "rude_carnie.gender": "gender",
    "rude_carnie.AgeDetector": "age",
    "rude_carnie.GenderDetector": "gender",
    "agegender.age": "age",
    "agegender.gender": "gender",
    "agegender.AgeDetector": "age",
    "agegender.GenderDetector": "gender",
    "dlib.Calculator": "dlib",
    "landmarks2d106": "landmarks106",
}
"""Beyond these, each name is its own."""

_FAMILIES = {
    "facenet.Calculator": ("inception_resnet",),
    "insightface.FaceDetector": ("insightface", "scrfd"),
    "insightface.Calculator": ("insightface", "arcface"),
}
"""Of names with a version behind ``@``: the folders that may hold it."""


def resolved(name: str, known: Collection[str] = ()) -> str:
    """What a model is called here.

    Args:
        name: as a user knows it; what is no alias is returned as it is.
        known: the models that there are. A version behind ``@`` is looked for in the folders of its
            family, and beside them, and then among the names without a version.

    Returns:
        A name of the models' folder; where nothing in ``known`` fits, the first that would.
    """
    if name in known:
        return name
    family, _, version = name.partition("@")
    fitting = [f"{folder}/{version}" for folder in _FAMILIES.get(family, ())] if version else []
    if version:
        fitting.append(version)
    fitting.append(_ALIASES.get(family, family))
    return next((found for found in fitting if found in known), fitting[0])


def is_alias(name: str) -> bool:
    """Whether a name stands for another."""
    return resolved(name) != name
