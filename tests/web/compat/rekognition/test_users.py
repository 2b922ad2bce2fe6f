import pytest

from faceserver.lifecycle import Services
from tests.services.test_facade import BLUE, GREEN, PINK, RED, png
from tests.web.compat.rekognition.conftest import Rekognition

NOBODY = "00000000-0000-0000-0000-000000000000"


def of(user: str, *faces: str, **members: object) -> dict[str, object]:
    return {"CollectionId": "default", "UserId": user, "FaceIds": list(faces), **members}


@pytest.fixture
def ann(rekognition: Rekognition) -> str:
    token = "11111111-2222-4333-8444-555555555555"
    asked = {"CollectionId": "default", "UserId": "ann", "ClientRequestToken": token}
    assert rekognition("CreateUser", **asked) == {}
    return "ann"


def test_faces_become_a_users_and_nobodys_again(rekognition: Rekognition, ann: str) -> None:
    (red,), (pink,) = rekognition.face_ids(png(RED)), rekognition.face_ids(png(PINK))
    answer = rekognition("AssociateFaces", **of(ann, red, pink))
    assert answer == {
        "AssociatedFaces": [{"FaceId": red}, {"FaceId": pink}],
        "UnsuccessfulFaceAssociations": [],
        "UserStatus": "ACTIVE",
    }
    faces = rekognition("ListFaces", CollectionId="default")["Faces"]
    assert [face["UserId"] for face in faces] == [ann, ann]
    answer = rekognition("DisassociateFaces", **of(ann, red, NOBODY))
    assert answer == {
        "DisassociatedFaces": [{"FaceId": red}],
        "UnsuccessfulFaceDisassociations": [{"FaceId": NOBODY, "Reasons": ["FACE_NOT_FOUND"]}],
        "UserStatus": "ACTIVE",
    }
    assert rekognition("DisassociateFaces", **of(ann, pink))["UserStatus"] == "CREATED"


def test_whoever_does_not_look_like_the_user_is_refused(rekognition: Rekognition, ann: str) -> None:
    red, blue = rekognition.face_ids(png(RED, BLUE))
    answer = rekognition("AssociateFaces", **of(ann, red, blue))
    assert answer["AssociatedFaces"] == [{"FaceId": red}]
    (refused,) = answer["UnsuccessfulFaceAssociations"]
    assert (refused["FaceId"], refused["Reasons"]) == (blue, ["LOW_MATCH_CONFIDENCE"])
    assert 0 <= refused["Confidence"] < 75
    again = rekognition("AssociateFaces", **of(ann, blue))
    assert again["AssociatedFaces"] == []
    anyhow = rekognition("AssociateFaces", **of(ann, blue, UserMatchThreshold=0))
    assert anyhow["AssociatedFaces"] == [{"FaceId": blue}]


def test_a_face_is_one_users(rekognition: Rekognition, ann: str) -> None:
    (red,) = rekognition.face_ids(png(RED))
    rekognition("CreateUser", CollectionId="default", UserId="bob")
    rekognition("AssociateFaces", **of(ann, red))
    again = rekognition("AssociateFaces", **of(ann, red, red))
    assert again["AssociatedFaces"] == [{"FaceId": red}]
    refusal = {"FaceId": red, "UserId": ann, "Reasons": ["ASSOCIATED_TO_A_DIFFERENT_USER"]}
    answer = rekognition("AssociateFaces", **of("bob", red, NOBODY))
    assert answer["UnsuccessfulFaceAssociations"] == [
        refusal,
        {"FaceId": NOBODY, "Reasons": ["FACE_NOT_FOUND"]},
    ]
    assert answer["UserStatus"] == "CREATED"
    answer = rekognition("DisassociateFaces", **of("bob", red))
    assert answer["UnsuccessfulFaceDisassociations"] == [refusal]


def test_a_deleted_users_faces_stay(rekognition: Rekognition, service: Services, ann: str) -> None:
    (red,) = rekognition.face_ids(png(RED))
    rekognition("AssociateFaces", **of(ann, red))
    assert rekognition("DeleteUser", CollectionId="default", UserId=ann) == {}
    assert rekognition("ListUsers", CollectionId="default")["Users"] == []
    (face,) = rekognition("ListFaces", CollectionId="default")["Faces"]
    assert (face["FaceId"], "UserId" in face) == (red, False)
    assert rekognition("DeleteFaces", CollectionId="default", FaceIds=[red])["DeletedFaces"]


def test_users_come_in_pages(rekognition: Rekognition) -> None:
    for name in ("ann", "bob", "cid"):
        rekognition("CreateUser", CollectionId="default", UserId=name)
    first = rekognition("ListUsers", CollectionId="default", MaxResults=2)
    rest = rekognition("ListUsers", CollectionId="default", NextToken=first["NextToken"])
    assert [user["UserId"] for user in first["Users"] + rest["Users"]] == ["ann", "bob", "cid"]
    assert rest == {"Users": [{"UserId": "cid", "UserStatus": "CREATED"}]}


def test_people_of_other_clients_are_users(rekognition: Rekognition, service: Services) -> None:
    service.people.add("default", "Ann Lee")
    (red,) = rekognition.face_ids(png(RED))
    assert rekognition("AssociateFaces", **of("Ann Lee", red))["UserStatus"] == "ACTIVE"
    (user,) = rekognition("ListUsers", CollectionId="default")["Users"]
    assert user == {"UserId": "Ann Lee", "UserStatus": "ACTIVE"}


@pytest.mark.parametrize(
    ("operation", "members", "error"),
    [
        ("CreateUser", {"UserId": "ann"}, "ConflictException"),
        ("CreateUser", {"UserId": "Ann"}, "ConflictException"),
        ("CreateUser", {"UserId": "Ann Lee"}, "InvalidParameterException"),
        ("CreateUser", {"UserId": "a", "CollectionId": "none"}, "ResourceNotFoundException"),
        ("CreateUser", {"UserId": "a", "ClientRequestToken": "?"}, "InvalidParameterException"),
        ("DeleteUser", {"UserId": "bob"}, "ResourceNotFoundException"),
        ("ListUsers", {"MaxResults": 0}, "InvalidParameterException"),
        ("ListUsers", {"NextToken": "x"}, "InvalidPaginationTokenException"),
        ("ListUsers", {"CollectionId": "none"}, "ResourceNotFoundException"),
        ("AssociateFaces", {"UserId": "bob", "FaceIds": [NOBODY]}, "ResourceNotFoundException"),
        ("AssociateFaces", {"UserId": "ann", "FaceIds": []}, "InvalidParameterException"),
        (
            "AssociateFaces",
            {"UserId": "ann", "FaceIds": [NOBODY] * 101},
            "InvalidParameterException",
        ),
        ("DisassociateFaces", {"UserId": "bob", "FaceIds": [NOBODY]}, "ResourceNotFoundException"),
    ],
)
@pytest.mark.usefixtures("ann")
def test_errors(
    rekognition: Rekognition, operation: str, members: dict[str, object], error: str
) -> None:
    assert rekognition.error(operation, **{"CollectionId": "default", **members}) == error


def test_the_confidence_tells_how_unlike_a_refused_face_is(
    rekognition: Rekognition, ann: str
) -> None:
    green, blue = rekognition.face_ids(png(GREEN, BLUE))
    rekognition("AssociateFaces", **of(ann, green))
    (refused,) = rekognition("AssociateFaces", **of(ann, blue))["UnsuccessfulFaceAssociations"]
    assert refused["Confidence"] < 1
