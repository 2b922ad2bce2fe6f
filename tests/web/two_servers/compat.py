"""The routes of other programs' protocols; they work in the default collection, which is empty."""

from io import BytesIO
from typing import Any

from faceserver.web.compat.rekognition.operations import _OPERATIONS
from tests.services.test_facade import BLUE, GREEN, RED
from tests.web.two_servers.cases import Server, case, file, text

COMPREFACE = "/as/compreface/api/v1/recognition"
DEEPFACE = "/as/deepface"
DEEPSTACK = "/as/deepstack/v1/vision/face"
FACE_ID = "/as/face-id"
FACEBOX = "/as/facebox/facebox"
REKOGNITION = "/as/rekognition/"


@case(
    f"POST {COMPREFACE}/subjects",
    f"PUT {COMPREFACE}/subjects/<path:subject>",
    f"DELETE {COMPREFACE}/subjects/<path:subject>",
    f"DELETE {COMPREFACE}/subjects",
)
def compreface_subjects(here: Server, there: Server) -> None:
    def known() -> list[str]:
        names: list[str] = there("GET", f"{COMPREFACE}/subjects")["subjects"]
        return names

    for name in ("Ann", "Bob"):
        here("POST", f"{COMPREFACE}/subjects", json={"subject": name})
    assert known() == ["Ann", "Bob"]
    here("PUT", f"{COMPREFACE}/subjects/Ann", json={"subject": "Anna"})
    assert known() == ["Anna", "Bob"]
    here("DELETE", f"{COMPREFACE}/subjects/Bob")
    assert known() == ["Anna"]
    here("DELETE", f"{COMPREFACE}/subjects")
    assert known() == []


@case(
    f"POST {COMPREFACE}/faces",
    f"DELETE {COMPREFACE}/faces/<image_id>",
    f"POST {COMPREFACE}/faces/delete",
    f"DELETE {COMPREFACE}/faces",
)
def compreface_faces(here: Server, there: Server) -> None:
    ids = [
        here("POST", f"{COMPREFACE}/faces?subject=Ann", **file(colour))["image_id"]
        for colour in (RED, GREEN, BLUE)
    ]

    def known() -> list[str]:
        return [one["image_id"] for one in there("GET", f"{COMPREFACE}/faces")["faces"]]

    assert known() == ids
    here("DELETE", f"{COMPREFACE}/faces/{ids[0]}")
    assert known() == ids[1:]
    here("POST", f"{COMPREFACE}/faces/delete", json=[ids[1]])
    assert known() == ids[2:]
    here("DELETE", f"{COMPREFACE}/faces?subject=Ann")
    assert known() == []


@case(f"POST {DEEPFACE}/register", f"POST {DEEPFACE}/delete")
def deepface(here: Server, there: Server) -> None:
    here("POST", f"{DEEPFACE}/register", json={"img": text(), "img_name": "a"})
    assert [one["img_name"] for one in there("GET", f"{DEEPFACE}/list")["results"]] == ["a"]
    here("POST", f"{DEEPFACE}/delete", json={"img_name": "a"})
    assert there("GET", f"{DEEPFACE}/list")["results"] == []


@case(f"POST {DEEPSTACK}/register", f"POST {DEEPSTACK}/delete")
def deepstack(here: Server, there: Server) -> None:
    picture = file()["data"]["file"]
    here("POST", f"{DEEPSTACK}/register", data={"userid": "Ada", "image1": picture})
    assert there("POST", f"{DEEPSTACK}/list")["faces"] == ["Ada"]
    here("POST", f"{DEEPSTACK}/delete", data={"userid": "Ada"})
    assert there("POST", f"{DEEPSTACK}/list")["faces"] == []


@case(
    f"POST {FACE_ID}/generate",
    f"PUT {FACE_ID}/ids/<number>/embeddings",
    f"POST {FACE_ID}/ids/<number>/merge",
    f"DELETE {FACE_ID}/ids/<number>",
    f"DELETE {FACE_ID}/ids",
)
def face_id(here: Server, there: Server) -> None:
    def known() -> list[int]:
        numbers: list[int] = there("GET", f"{FACE_ID}/ids")["ids"]
        return numbers

    here("POST", f"{FACE_ID}/generate", json={"id": 1, "images": [{"image": text()}]})
    here("PUT", f"{FACE_ID}/ids/2/embeddings", json={"embeddings": [[1.0, 0.0, 0.0]]})
    here("PUT", f"{FACE_ID}/ids/3/embeddings", json={"embeddings": [[0.0, 1.0, 0.0]]})
    assert known() == [1, 2, 3]
    here("POST", f"{FACE_ID}/ids/1/merge", json={"into": 2})
    assert known() == [2, 3]
    here("DELETE", f"{FACE_ID}/ids/2")
    assert known() == [3]
    here("DELETE", f"{FACE_ID}/ids")
    assert known() == []


@case(
    f"POST {FACEBOX}/teach",
    f"PATCH {FACEBOX}/teach/<path:example>",
    f"POST {FACEBOX}/rename",
    f"DELETE {FACEBOX}/teach/<path:example>",
    f"POST {FACEBOX}/state",
)
def facebox(here: Server, there: Server) -> None:
    def name() -> str | None:
        (one,) = there("POST", f"{FACEBOX}/check", **file())["faces"]
        told: str | None = one.get("name")
        return told

    here("POST", f"{FACEBOX}/teach", **file(name="Ada", id="1"))
    assert name() == "Ada"
    here("PATCH", f"{FACEBOX}/teach/1", json={"name": "Eve"})
    assert name() == "Eve"
    here("POST", f"{FACEBOX}/rename", json={"from": "Eve", "to": "Bea"})
    assert name() == "Bea"
    saved = there.ask("GET", f"{FACEBOX}/state").data
    here("DELETE", f"{FACEBOX}/teach/1")
    assert name() is None
    here("POST", f"{FACEBOX}/state", data={"file": (BytesIO(saved), "state.facebox")})
    assert name() == "Bea"


@case(f"POST {REKOGNITION}")
def rekognition(here: Server, there: Server) -> None:
    """Every operation that writes."""
    called = set()

    def call(server: Server, operation: str, **members: object) -> dict[str, Any]:
        called.add(operation)
        headers = {"X-Amz-Target": f"RekognitionService.{operation}"}
        sent = {"CollectionId": "aws", **members}
        answer: dict[str, Any] = server("POST", REKOGNITION, json=sent, headers=headers)
        return answer

    call(here, "CreateCollection")
    assert call(there, "DescribeCollection")["FaceCount"] == 0
    (record,) = call(here, "IndexFaces", Image={"Bytes": text()}, QualityFilter="NONE")[
        "FaceRecords"
    ]
    one = record["Face"]["FaceId"]
    assert call(there, "ListFaces")["Faces"][0]["FaceId"] == one
    call(here, "CreateUser", UserId="ann")
    assert call(there, "ListUsers")["Users"][0]["UserId"] == "ann"
    call(here, "AssociateFaces", UserId="ann", FaceIds=[one])
    assert call(there, "ListFaces")["Faces"][0]["UserId"] == "ann"
    call(here, "DisassociateFaces", UserId="ann", FaceIds=[one])
    assert "UserId" not in call(there, "ListFaces")["Faces"][0]
    call(here, "DeleteUser", UserId="ann")
    assert call(there, "ListUsers")["Users"] == []
    call(here, "DeleteFaces", FaceIds=[one])
    assert call(there, "ListFaces")["Faces"] == []
    call(here, "DeleteCollection")
    assert there.status("GET", "/v1/collections/aws") == 404
    assert called >= {name for name, one in _OPERATIONS.items() if one.scope != "read"}
