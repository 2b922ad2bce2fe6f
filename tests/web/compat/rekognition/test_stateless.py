import pytest

from faceserver.lifecycle import Services
from tests.services.test_facade import BLACK, BLUE, PINK, RED, png
from tests.web.compat.rekognition.conftest import Rekognition, image


def test_faces_are_described(rekognition: Rekognition, service: Services) -> None:
    (first, second) = rekognition("DetectFaces", Image=image(png(RED, BLUE)))["FaceDetails"]
    assert first["BoundingBox"] == {"Left": 0.0, "Top": 0.0, "Width": 0.5, "Height": 1.0}
    assert second["BoundingBox"]["Left"] == 0.5
    assert set(first) == {"BoundingBox", "Confidence", "Landmarks", "Pose", "Quality"}
    assert first["Landmarks"][0] == {"Type": "eyeLeft", "X": 0.15, "Y": 0.35}
    assert service.collections.status().faces == 0


def test_attributes_are_described_where_they_are_computed(rekognition: Rekognition) -> None:
    (face,) = rekognition("DetectFaces", Image=image(png(RED)), Attributes=["ALL"])["FaceDetails"]
    assert face["AgeRange"] == {"Low": 35, "High": 48}
    assert face["Gender"] == {"Value": "Female", "Confidence": 93.0}
    assert "Smile" not in face
    (face,) = rekognition("DetectFaces", Image=image(png(RED)), Attributes=["AGE_RANGE"])[
        "FaceDetails"
    ]
    assert "AgeRange" in face
    assert "Gender" not in face


def test_no_face_is_an_empty_list(rekognition: Rekognition) -> None:
    assert rekognition("DetectFaces", Image=image(png(BLACK))) == {"FaceDetails": []}


def test_the_largest_face_is_compared_with_every_other(rekognition: Rekognition) -> None:
    answer = rekognition(
        "CompareFaces", SourceImage=image(png(RED, BLUE)), TargetImage=image(png(BLUE, PINK, RED))
    )
    assert answer["SourceImageFace"]["BoundingBox"]["Left"] == 0.0
    assert answer["SourceImageFace"]["Confidence"] == 99.0
    lefts = [match["Face"]["BoundingBox"]["Left"] for match in answer["FaceMatches"]]
    assert lefts == [pytest.approx(2 / 3, abs=1e-5), pytest.approx(1 / 3, abs=1e-5)]
    first, second = (match["Similarity"] for match in answer["FaceMatches"])
    assert first > second >= 80
    (unlike,) = answer["UnmatchedFaces"]
    assert unlike["BoundingBox"]["Left"] == 0
    assert set(unlike) == {"BoundingBox", "Confidence", "Landmarks", "Pose", "Quality"}


def test_the_threshold_decides(rekognition: Rekognition) -> None:
    pictures = {"SourceImage": image(png(RED)), "TargetImage": image(png(BLUE))}
    assert rekognition("CompareFaces", **pictures)["FaceMatches"] == []
    every = rekognition("CompareFaces", **pictures, SimilarityThreshold=0)
    assert len(every["FaceMatches"]) == 1
    assert every["UnmatchedFaces"] == []


@pytest.mark.parametrize(
    ("operation", "members", "error"),
    [
        ("DetectFaces", {}, "InvalidParameterException"),
        ("DetectFaces", {"Image": {}}, "InvalidParameterException"),
        ("DetectFaces", {"Image": {"S3Object": {"Bucket": "b"}}}, "InvalidS3ObjectException"),
        (
            "DetectFaces",
            {"Image": image(png(RED)), "Attributes": "ALL"},
            "InvalidParameterException",
        ),
        ("DetectFaces", {"Image": image(b"GIF89a")}, "InvalidImageFormatException"),
        (
            "CompareFaces",
            {"SourceImage": image(png(RED)), "TargetImage": image(png(BLACK))},
            "InvalidParameterException",
        ),
        (
            "CompareFaces",
            {"SourceImage": image(png(BLACK)), "TargetImage": image(png(RED))},
            "InvalidParameterException",
        ),
        (
            "CompareFaces",
            {
                "SourceImage": image(png(RED)),
                "TargetImage": image(png(RED)),
                "QualityFilter": "HIGH",
            },
            "InvalidParameterException",
        ),
        ("CompareFaces", {"SourceImage": image(png(RED))}, "InvalidParameterException"),
    ],
)
def test_errors(
    rekognition: Rekognition, operation: str, members: dict[str, object], error: str
) -> None:
    assert rekognition.error(operation, **members) == error
