import math

import pytest

from faceserver.models.distances import SimilarityCurve
from faceserver.web.compat.rekognition.similarity import Percent
from tests.services.test_facade import BLACK, BLUE, GREEN, PINK, RED, png
from tests.web.compat.rekognition.conftest import Rekognition, image
from tests.web.v1.conftest import CURVE

NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize("curve", [CURVE, None])
def test_the_threshold_lies_at_eighty(curve: SimilarityCurve | None) -> None:
    scale = Percent.of(0.85, curve)
    assert scale.similarity(0.85) == 80
    assert scale.similarity(0.5) > 80 > scale.similarity(1.0)
    for similarity in (1.0, 75.0, 80.0, 90.0):
        back = scale.similarity(scale.distance(similarity))
        assert math.isclose(back, similarity, abs_tol=0.01)


def test_the_largest_face_of_a_picture_is_searched_for(rekognition: Rekognition) -> None:
    red, _ = rekognition.face_ids(png(RED, BLUE), ExternalImageId="both")
    answer = rekognition(
        "SearchFacesByImage", CollectionId="default", Image=image(png(PINK, GREEN))
    )
    assert answer["SearchedFaceBoundingBox"] == {
        "Left": 0.0,
        "Top": 0.0,
        "Width": 0.5,
        "Height": 1.0,
    }
    assert answer["SearchedFaceConfidence"] == 99.0
    (match,) = answer["FaceMatches"]
    assert match["Face"]["FaceId"] == red
    assert match["Face"]["ExternalImageId"] == "both"
    assert 80 <= match["Similarity"] <= 100


def test_matches_come_by_similarity_as_many_as_are_asked_for(rekognition: Rekognition) -> None:
    (red,), (pink,) = rekognition.face_ids(png(RED)), rekognition.face_ids(png(PINK))
    rekognition.face_ids(png(BLUE))

    def found(**members: object) -> list[str]:
        answer = rekognition(
            "SearchFacesByImage", CollectionId="default", Image=image(png(RED)), **members
        )
        similarities = [match["Similarity"] for match in answer["FaceMatches"]]
        assert similarities == sorted(similarities, reverse=True)
        assert all(each >= members.get("FaceMatchThreshold", 80) for each in similarities)
        return [match["Face"]["FaceId"] for match in answer["FaceMatches"]]

    assert found() == [red, pink]
    assert found(MaxFaces=1) == [red]
    assert len(found(FaceMatchThreshold=0)) == 3
    assert found(FaceMatchThreshold=100) == []


def test_a_search_by_face_leaves_the_face_out(rekognition: Rekognition) -> None:
    (red,), (pink,) = rekognition.face_ids(png(RED)), rekognition.face_ids(png(PINK))
    answer = rekognition("SearchFaces", CollectionId="default", FaceId=red)
    assert answer["SearchedFaceId"] == red
    assert [match["Face"]["FaceId"] for match in answer["FaceMatches"]] == [pink]


def test_a_picture_without_faces_says_so(rekognition: Rekognition) -> None:
    members = {"CollectionId": "default", "Image": image(png(BLACK))}
    answer = rekognition.ask("SearchFacesByImage", **members)
    body = answer.get_json(force=True)
    assert body["__type"] == "InvalidParameterException"
    assert "no faces" in body["Message"]
    poor = {**members, "Image": image(png(RED)), "QualityFilter": "HIGH"}
    assert rekognition.error("SearchFacesByImage", **poor) == "InvalidParameterException"


def test_users_are_found_by_face_by_user_and_by_picture(rekognition: Rekognition) -> None:
    red, blue = rekognition.face_ids(png(RED, BLUE))
    (pink,) = rekognition.face_ids(png(PINK))
    for name, face in (("ann", red), ("bob", blue), ("cid", pink)):
        rekognition("CreateUser", CollectionId="default", UserId=name)
        rekognition("AssociateFaces", CollectionId="default", UserId=name, FaceIds=[face])

    by_face = rekognition("SearchUsers", CollectionId="default", FaceId=red)
    assert by_face["SearchedFace"] == {"FaceId": red}
    assert [match["User"]["UserId"] for match in by_face["UserMatches"]] == ["ann", "cid"]
    assert by_face["UserMatches"][0]["User"]["UserStatus"] == "ACTIVE"

    by_user = rekognition("SearchUsers", CollectionId="default", UserId="ann")
    assert by_user["SearchedUser"] == {"UserId": "ann"}
    assert [match["User"]["UserId"] for match in by_user["UserMatches"]] == ["cid"]

    by_image = rekognition(
        "SearchUsersByImage",
        CollectionId="default",
        Image=image(png(BLUE, GREEN)),
        MaxUsers=1,
    )
    assert [match["User"]["UserId"] for match in by_image["UserMatches"]] == ["bob"]
    assert by_image["SearchedFace"]["FaceDetail"]["BoundingBox"]["Left"] == 0.0
    (other,) = by_image["UnsearchedFaces"]
    assert other["Reasons"] == ["FACE_NOT_LARGEST"]
    assert other["FaceDetails"]["BoundingBox"]["Left"] == 0.5


def test_faces_of_nobody_are_no_users(rekognition: Rekognition) -> None:
    (red,) = rekognition.face_ids(png(RED))
    assert rekognition("SearchUsers", CollectionId="default", FaceId=red)["UserMatches"] == []


def test_a_user_without_faces_is_like_nobody(rekognition: Rekognition) -> None:
    rekognition("CreateUser", CollectionId="default", UserId="ann")
    assert rekognition("SearchUsers", CollectionId="default", UserId="ann")["UserMatches"] == []


def test_a_picture_without_faces_shows_no_users(rekognition: Rekognition) -> None:
    answer = rekognition("SearchUsersByImage", CollectionId="default", Image=image(png(BLACK)))
    assert answer == {"UserMatches": [], "FaceModelVersion": "1.0"}


@pytest.mark.parametrize(
    ("operation", "members", "error"),
    [
        ("SearchFaces", {"FaceId": NOBODY}, "InvalidParameterException"),
        ("SearchFaces", {"FaceId": "x"}, "InvalidParameterException"),
        ("SearchFaces", {"FaceId": NOBODY, "CollectionId": "x"}, "ResourceNotFoundException"),
        ("SearchFaces", {"FaceId": NOBODY, "MaxFaces": 4097}, "InvalidParameterException"),
        (
            "SearchFaces",
            {"FaceId": NOBODY, "FaceMatchThreshold": 100.5},
            "InvalidParameterException",
        ),
        ("SearchFacesByImage", {}, "InvalidParameterException"),
        (
            "SearchFacesByImage",
            {"Image": {"S3Object": {"Bucket": "b", "Name": "n"}}},
            "InvalidS3ObjectException",
        ),
        (
            "SearchFacesByImage",
            {"Image": image(png(RED)), "CollectionId": "none"},
            "ResourceNotFoundException",
        ),
        ("SearchUsers", {}, "InvalidParameterException"),
        ("SearchUsers", {"UserId": "a", "FaceId": NOBODY}, "InvalidParameterException"),
        ("SearchUsers", {"UserId": "a"}, "ResourceNotFoundException"),
        ("SearchUsers", {"FaceId": NOBODY}, "InvalidParameterException"),
        ("SearchUsers", {"UserId": "a", "MaxUsers": 501}, "InvalidParameterException"),
        ("SearchUsersByImage", {"Image": {"Bytes": "AAAA"}}, "InvalidImageFormatException"),
    ],
)
def test_errors(
    rekognition: Rekognition, operation: str, members: dict[str, object], error: str
) -> None:
    assert rekognition.error(operation, **{"CollectionId": "default", **members}) == error
