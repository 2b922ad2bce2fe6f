import json
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from faceserver import web
from faceserver.config import Settings
from faceserver.errors import NotFound
from faceserver.lifecycle import Services
from faceserver.services.telling import Event
from tests.services.test_facade import RED, png
from tests.web.compat.rekognition.conftest import Rekognition
from tests.web.fakes import FakeBackend, make_app


def test_a_collection_is_made_described_listed_and_deleted(rekognition: Rekognition) -> None:
    made = rekognition("CreateCollection", CollectionId="family", Tags={"a": "b"})
    assert made["StatusCode"] == 200
    assert made["CollectionArn"].endswith(":collection/family")
    assert made["FaceModelVersion"] == "1.0"
    rekognition.index(png(RED), CollectionId="family")
    rekognition("CreateUser", CollectionId="family", UserId="ann")
    described = rekognition("DescribeCollection", CollectionId="family")
    assert (described["FaceCount"], described["UserCount"]) == (1, 1)
    assert described["CollectionARN"] == made["CollectionArn"]
    created = datetime.fromtimestamp(described["CreationTimestamp"], UTC)
    assert abs(datetime.now(UTC) - created) < timedelta(hours=1)
    listed = rekognition("ListCollections")
    assert listed == {
        "CollectionIds": ["default", "family"],
        "FaceModelVersions": ["1.0", "1.0"],
    }
    assert rekognition("DeleteCollection", CollectionId="family") == {"StatusCode": 200}
    assert rekognition("ListCollections")["CollectionIds"] == ["default"]


def test_with_a_collection_everything_of_it_goes(
    rekognition: Rekognition, service: Services
) -> None:
    rekognition("CreateCollection", CollectionId="family")
    own, _ = service.webhooks.create("https://hooks.example/", ["match"], "family")
    every, _ = service.webhooks.create("https://hooks.example/", ["match"], None)
    service.webhooks.tell(Event("match", "family", {"subject": {"name": "Ann"}}))
    rekognition("DeleteCollection", CollectionId="family")
    assert service.webhooks.page(limit=9, cursor=None).items == (every,)
    assert service.webhooks.deliveries(every.id, limit=9).items == ()
    with pytest.raises(NotFound):
        service.webhooks.get(own.id)


def test_collections_come_in_pages(rekognition: Rekognition) -> None:
    for name in "abc":
        rekognition("CreateCollection", CollectionId=name)
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = rekognition("ListCollections", MaxResults=2, **token)
        found += page["CollectionIds"]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert found == ["a", "b", "c", "default"]
    assert rekognition("ListCollections", MaxResults=0)["CollectionIds"] == found


@pytest.mark.parametrize(
    ("operation", "members", "error"),
    [
        ("CreateCollection", {"CollectionId": "default"}, "ResourceAlreadyExistsException"),
        ("CreateCollection", {"CollectionId": "a/b"}, "InvalidParameterException"),
        ("CreateCollection", {"CollectionId": "a" * 65}, "InvalidParameterException"),
        ("CreateCollection", {"CollectionId": None}, "InvalidParameterException"),
        ("DeleteCollection", {"CollectionId": "none"}, "ResourceNotFoundException"),
        ("DescribeCollection", {"CollectionId": "none"}, "ResourceNotFoundException"),
        ("ListCollections", {"MaxResults": 4097}, "InvalidParameterException"),
        ("ListCollections", {"NextToken": "bogus"}, "InvalidPaginationTokenException"),
    ],
)
def test_errors(
    rekognition: Rekognition, operation: str, members: dict[str, object], error: str
) -> None:
    assert rekognition.error(operation, **members) == error


def test_unknown_members_and_nulls_are_passed_over(rekognition: Rekognition) -> None:
    assert rekognition("ListCollections", MaxResults=None, New=1)["CollectionIds"] == ["default"]


def ask_with(app: Flask, key: str, operation: str, **members: object) -> tuple[int, str]:
    answer = app.test_client().post(
        "/as/rekognition/",
        json=members,
        headers={"X-Api-Key": key, "X-Amz-Target": f"RekognitionService.{operation}"},
    )
    return answer.status_code, answer.get_json(force=True).get("__type", "")


def test_each_operation_needs_its_scope(app: Flask, rekognition: Rekognition) -> None:
    keys = web.gate_of(app).keys
    reader, writer = (keys.create(scope, scope)[1] for scope in ("read", "write"))
    denied = (400, "AccessDeniedException")
    assert ask_with(app, reader, "ListCollections") == (200, "")
    assert ask_with(app, reader, "CreateUser", CollectionId="default", UserId="a") == denied
    assert ask_with(app, writer, "CreateUser", CollectionId="default", UserId="a") == (200, "")
    assert ask_with(app, writer, "CreateCollection", CollectionId="b") == denied


def test_a_bound_key_reaches_its_collection_alone(app: Flask, rekognition: Rekognition) -> None:
    rekognition("CreateCollection", CollectionId="family")
    _, key = web.gate_of(app).keys.create("bound", "admin", "family")
    assert ask_with(app, key, "DescribeCollection", CollectionId="family") == (200, "")
    assert ask_with(app, key, "DescribeCollection", CollectionId="default") == (
        400,
        "AccessDeniedException",
    )
    answer = app.test_client().post(
        "/as/rekognition/",
        json={},
        headers={"X-Api-Key": key, "X-Amz-Target": "RekognitionService.ListCollections"},
    )
    assert answer.get_json(force=True)["CollectionIds"] == ["family"]


def test_the_audit_log_tells_the_operation(rekognition: Rekognition, settings: Settings) -> None:
    rekognition("CreateCollection", CollectionId="family")
    last = (settings.data_dir / "audit.jsonl").read_text(encoding="utf-8").splitlines()[-1]
    assert json.loads(last)["target"] == {"operation": "CreateCollection", "collection": "family"}


def test_pages_of_named_sites_may_send_what_is_signed(
    settings: Settings, service: Services
) -> None:
    backend = FakeBackend(settings, real=service)
    client = make_app(backend, cors_origins=("https://friend.example",)).test_client()
    headers = {"Origin": "https://friend.example", "Access-Control-Request-Method": "POST"}

    def allowed(path: str) -> set[str]:
        answer = client.options(path, headers=headers)
        return set(answer.headers["Access-Control-Allow-Headers"].split(", "))

    assert {"Authorization", "X-Amz-Date", "X-Amz-Target"} <= allowed("/as/rekognition")
    assert "X-Amz-Target" not in allowed("/faceRegister")
