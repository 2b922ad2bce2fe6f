import re

import pytest

from faceserver.lifecycle import Services
from tests.services.test_facade import BLACK, BLUE, GREEN, RED, png
from tests.support.services import add_picture
from tests.web.compat.rekognition.conftest import DULL, Rekognition, image

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NOBODY = "00000000-0000-0000-0000-000000000000"


def test_the_faces_of_a_picture_are_stored_and_described(rekognition: Rekognition) -> None:
    answer = rekognition.index(png(RED, BLUE), ExternalImageId="a:1.jpg")
    first, second = answer["FaceRecords"]
    assert first["Face"]["ImageId"] == second["Face"]["ImageId"]
    assert UUID.fullmatch(first["Face"]["FaceId"])
    assert UUID.fullmatch(first["Face"]["ImageId"])
    assert first["Face"]["ExternalImageId"] == "a:1.jpg"
    assert first["Face"]["BoundingBox"] == {"Left": 0.0, "Top": 0.0, "Width": 0.5, "Height": 1.0}
    assert second["Face"]["BoundingBox"]["Left"] == 0.5
    assert first["Face"]["Confidence"] == 99.0
    assert re.fullmatch(r"[0-9.]+", first["Face"]["IndexFacesModelVersion"])
    assert "UserId" not in first["Face"]
    assert set(first["FaceDetail"]) == {
        "BoundingBox",
        "Confidence",
        "Landmarks",
        "Pose",
        "Quality",
    }
    assert first["FaceDetail"]["Quality"] == {"Brightness": 60.0, "Sharpness": 50.0}
    assert set(first["FaceDetail"]["Pose"]) == {"Roll", "Yaw", "Pitch"}
    assert [mark["Type"] for mark in first["FaceDetail"]["Landmarks"]] == [
        "eyeLeft",
        "eyeRight",
        "nose",
        "mouthLeft",
        "mouthRight",
    ]
    assert answer["UnindexedFaces"] == []
    listed = rekognition("ListFaces", CollectionId="default")
    assert listed["Faces"] == [first["Face"], second["Face"]]
    assert listed["FaceModelVersion"] == answer["FaceModelVersion"]


def test_attributes_are_told_where_they_are_asked_for(rekognition: Rekognition) -> None:
    age, gender = {"Low": 35, "High": 48}, {"Value": "Female", "Confidence": 93.0}
    every = rekognition.index(png(RED), DetectionAttributes=["ALL"])["FaceRecords"][0]
    assert (every["FaceDetail"]["AgeRange"], every["FaceDetail"]["Gender"]) == (age, gender)
    one = rekognition.index(png(BLUE), DetectionAttributes=["DEFAULT", "GENDER", "SMILE"])
    assert one["FaceRecords"][0]["FaceDetail"]["Gender"] == gender
    assert "AgeRange" not in one["FaceRecords"][0]["FaceDetail"]


def test_the_same_picture_is_stored_once_and_its_last_id_counts(rekognition: Rekognition) -> None:
    before = rekognition.index(png(RED, BLUE), ExternalImageId="old")["FaceRecords"]
    after = rekognition.index(png(RED, BLUE), ExternalImageId="new")["FaceRecords"]
    assert [record["Face"]["FaceId"] for record in after] == [
        record["Face"]["FaceId"] for record in before
    ]
    faces = rekognition("ListFaces", CollectionId="default")["Faces"]
    assert [face["ExternalImageId"] for face in faces] == ["new", "new"]


def test_what_max_faces_leaves_out_comes_in_later(rekognition: Rekognition) -> None:
    first = rekognition.index(png(RED, BLUE), MaxFaces=1)
    assert len(first["FaceRecords"]) == 1
    (left_out,) = first["UnindexedFaces"]
    assert left_out["Reasons"] == ["EXCEEDS_MAX_FACES"]
    assert left_out["FaceDetail"]["BoundingBox"]["Left"] == 0.5
    both = rekognition.index(png(RED, BLUE))["FaceRecords"]
    assert both[0]["Face"]["FaceId"] == first["FaceRecords"][0]["Face"]["FaceId"]
    assert len(rekognition("ListFaces", CollectionId="default")["Faces"]) == 2


def test_small_faces_are_not_indexed_unless_asked_for(
    rekognition: Rekognition, service: Services
) -> None:
    answer = rekognition("IndexFaces", CollectionId="default", Image=image(png(RED, DULL)))
    assert answer["FaceRecords"] == []
    assert [each["Reasons"] for each in answer["UnindexedFaces"]] == [
        ["SMALL_BOUNDING_BOX"],
        ["SMALL_BOUNDING_BOX", "LOW_BRIGHTNESS"],
    ]
    assert service.collections.status().faces == 0
    assert not list(service.context.pictures.names())


def test_a_picture_without_faces_is_no_error(rekognition: Rekognition) -> None:
    answer = rekognition.index(png(BLACK))
    assert (answer["FaceRecords"], answer["UnindexedFaces"]) == ([], [])


def test_faces_come_in_pages(rekognition: Rekognition) -> None:
    ids = rekognition.face_ids(png(RED, GREEN, BLUE))
    first = rekognition("ListFaces", CollectionId="default", MaxResults=2)
    rest = rekognition(
        "ListFaces", CollectionId="default", MaxResults=2, NextToken=first["NextToken"]
    )
    assert [face["FaceId"] for face in first["Faces"] + rest["Faces"]] == ids
    assert "NextToken" not in rest


def test_faces_are_listed_by_id_and_by_user(rekognition: Rekognition) -> None:
    red, green, blue = rekognition.face_ids(png(RED, GREEN, BLUE))
    rekognition("CreateUser", CollectionId="default", UserId="ann")
    rekognition("AssociateFaces", CollectionId="default", UserId="ann", FaceIds=[red])
    (of_user,) = rekognition("ListFaces", CollectionId="default", UserId="ann")["Faces"]
    assert (of_user["FaceId"], of_user["UserId"]) == (red, "ann")
    by_id = rekognition("ListFaces", CollectionId="default", FaceIds=[blue, NOBODY, red])
    assert {face["FaceId"] for face in by_id["Faces"]} == {red, blue}
    both = rekognition("ListFaces", CollectionId="default", UserId="ann", FaceIds=[red, green])
    assert [face["FaceId"] for face in both["Faces"]] == [red]
    page = rekognition("ListFaces", CollectionId="default", FaceIds=[red, blue], MaxResults=1)
    assert page["NextToken"]


def test_faces_are_deleted_but_not_a_users(rekognition: Rekognition) -> None:
    red, green = rekognition.face_ids(png(RED, GREEN))
    rekognition("CreateUser", CollectionId="default", UserId="ann")
    rekognition("AssociateFaces", CollectionId="default", UserId="ann", FaceIds=[red])
    answer = rekognition("DeleteFaces", CollectionId="default", FaceIds=[red, green, NOBODY, green])
    assert answer == {
        "DeletedFaces": [green],
        "UnsuccessfulFaceDeletions": [
            {"FaceId": red, "UserId": "ann", "Reasons": ["ASSOCIATED_TO_AN_EXISTING_USER"]},
            {"FaceId": NOBODY, "Reasons": ["FACE_NOT_FOUND"]},
        ],
    }


def test_faces_that_others_have_stored_are_told_as_far_as_they_are_known(
    rekognition: Rekognition, service: Services
) -> None:
    (face,) = add_picture(service, png(RED)).faces
    (shown,) = rekognition("ListFaces", CollectionId="default")["Faces"]
    assert shown["FaceId"].replace("-", "") == face.id
    assert shown["BoundingBox"]["Width"] == 1.0
    assert "ExternalImageId" not in shown


@pytest.mark.parametrize(
    ("operation", "members", "error"),
    [
        ("IndexFaces", {"Image": {"Bytes": ""}}, "InvalidParameterException"),
        ("IndexFaces", {"Image": {"Bytes": "AAAA"}}, "InvalidImageFormatException"),
        ("IndexFaces", {"Image": image(png(RED)), "MaxFaces": 0}, "InvalidParameterException"),
        (
            "IndexFaces",
            {"Image": image(png(RED)), "ExternalImageId": "a b"},
            "InvalidParameterException",
        ),
        (
            "IndexFaces",
            {"Image": image(png(RED)), "QualityFilter": "BEST"},
            "InvalidParameterException",
        ),
        (
            "IndexFaces",
            {"Image": image(png(RED)), "DetectionAttributes": ["HAIR"]},
            "InvalidParameterException",
        ),
        (
            "IndexFaces",
            {"Image": image(png(RED)), "CollectionId": "none"},
            "ResourceNotFoundException",
        ),
        ("ListFaces", {"NextToken": "?"}, "InvalidPaginationTokenException"),
        ("ListFaces", {"UserId": "nobody"}, "ResourceNotFoundException"),
        ("ListFaces", {"UserId": "not an id"}, "InvalidParameterException"),
        ("ListFaces", {"FaceIds": ["ABC"]}, "InvalidParameterException"),
        ("ListFaces", {"CollectionId": "none"}, "ResourceNotFoundException"),
        ("DeleteFaces", {"FaceIds": []}, "InvalidParameterException"),
        ("DeleteFaces", {"FaceIds": [NOBODY] * 4097}, "InvalidParameterException"),
        ("DeleteFaces", {"FaceIds": [NOBODY.upper() + "A"]}, "InvalidParameterException"),
        ("DeleteFaces", {"CollectionId": "none", "FaceIds": [NOBODY]}, "ResourceNotFoundException"),
    ],
)
def test_errors(
    rekognition: Rekognition, operation: str, members: dict[str, object], error: str
) -> None:
    assert rekognition.error(operation, **{"CollectionId": "default", **members}) == error


def test_as_many_faces_as_may_be_are_deleted_at_once(rekognition: Rekognition) -> None:
    ids = [f"00000000-0000-0000-0000-{number:012x}" for number in range(4096)]
    answer = rekognition("DeleteFaces", CollectionId="default", FaceIds=ids)
    assert len(answer["UnsuccessfulFaceDeletions"]) == 4096
