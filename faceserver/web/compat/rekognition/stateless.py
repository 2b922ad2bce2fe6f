"""DetectFaces and CompareFaces: nothing is stored."""

import numpy as np

from faceserver.errors import NoFace
from faceserver.services.analysis import Embedded
from faceserver.services.choosing import Candidate, Choose
from faceserver.types import Floats
from faceserver.web.compat.rekognition import shapes
from faceserver.web.compat.rekognition.errors import NO_FACES
from faceserver.web.compat.rekognition.inputs import Comparison, Detection
from faceserver.web.compat.rekognition.operations import operation
from faceserver.web.compat.rekognition.quality import Best, Largest
from faceserver.web.compat.rekognition.shapes import Shape
from faceserver.web.compat.rekognition.similarity import Percent
from faceserver.web.context import services


@operation("DetectFaces", Detection)
def detect(asked: Detection) -> Shape:
    """Describe the faces of a picture, largest first; none is an empty list."""
    analysis = services().analysis
    names = shapes.attribute_names(asked.attributes, analysis.attributes)
    found = analysis.detect(asked.image.data, attributes=names)
    size = found.width, found.height
    return {
        "FaceDetails": [
            shapes.detail(Candidate(face, told), size, asked.attributes)
            for face, told in zip(found.faces, found.attributes, strict=True)
        ][: Best("NONE").most]
    }


@operation("CompareFaces", Comparison)
def compare(asked: Comparison) -> Shape:
    """Compare the largest face of one picture with every face of another."""
    analysis = services().analysis
    names = shapes.attribute_names((), analysis.attributes)
    source = analysis.embed(asked.source_image.data, attributes=names)
    target = analysis.embed(asked.target_image.data, attributes=names)
    (face,), size, vectors = _chosen(source, Largest(asked.quality_filter))
    faces, target_size, others = _chosen(target, Best(asked.quality_filter))
    scale = Percent.of(analysis.threshold, analysis.distances.similarity)
    distances = np.square(others - vectors[0]).sum(axis=1)
    compared = [
        (scale.similarity(float(distances[place])), shapes.compared(faces[place], target_size))
        for place in np.argsort(distances, kind="stable")
    ]
    least = asked.similarity_threshold
    return {
        "SourceImageFace": {
            "BoundingBox": shapes.bounding_box(face.detection.box, size),
            "Confidence": shapes.confidence(face.detection),
        },
        "FaceMatches": [
            {"Similarity": similarity, "Face": shape}
            for similarity, shape in compared
            if similarity >= least
        ],
        "UnmatchedFaces": [shape for similarity, shape in compared if similarity < least],
    }


def _chosen(found: Embedded, choose: Choose) -> tuple[list[Candidate], shapes.Size, Floats]:
    """Those faces of a picture that are compared, its size, and the faces' embeddings.

    Raises:
        NoFace: there are none.
    """
    faces = [
        Candidate(face, told) for face, told in zip(found.faces, found.attributes, strict=True)
    ]
    places = [place for place, reasons in enumerate(choose(faces)) if not reasons]
    if not places:
        raise NoFace(NO_FACES)
    return [faces[place] for place in places], (found.width, found.height), found.vectors[places]
