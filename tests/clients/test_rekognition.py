"""boto3, the AWS CLI and the SDK for JavaScript, unmodified, against the real server and models."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow

from faceserver.access.keys import KeyStore
from tests.clients.envs import python_of, run_node, run_python
from tests.e2e.server import Server
from tests.support.photographs import Photographs

SCRIPTS = Path(__file__).parent / "scripts"
DETAIL = {"BoundingBox", "Confidence", "Landmarks", "Pose"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rekognition")


@pytest.fixture(scope="module")
def pair(folder: Path) -> tuple[str, str]:
    access_id, _, secret = KeyStore(folder).create("aws", "admin", kind="pair")[1].partition(":")
    return access_id, secret


@pytest.fixture(scope="module")
def server(folder: Path, pair: tuple[str, str]) -> Iterator[Server]:
    assert pair  # a key is made: the server verifies
    with Server(folder, compat="original,rekognition") as running:
        yield running


@pytest.fixture(scope="module")
def environment(server: Server, pair: tuple[str, str], folder: Path) -> dict[str, str]:
    """What points Amazon's clients to the server, and keeps them from any configuration."""
    return {
        "AWS_ACCESS_KEY_ID": pair[0],
        "AWS_SECRET_ACCESS_KEY": pair[1],
        "AWS_ENDPOINT_URL_REKOGNITION": server.url,
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_CONFIG_FILE": str(folder / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
    }


@pytest.fixture(scope="module")
def pictures(photographs: Photographs, folder: Path) -> list[str]:
    """Two of one man, one of another, one of nobody."""
    empty = folder / "empty.jpg"
    Pillow.new("RGB", (320, 240), "grey").save(empty)
    names = ("obama.jpg", "obama2.jpg", "biden.jpg")
    return [*(str(photographs[name]) for name in names), str(empty)]


def test_boto3(
    server: Server, pair: tuple[str, str], environment: dict[str, str], pictures: list[str]
) -> None:
    script = SCRIPTS / "rekognition_boto3.py"
    arguments = (*pictures, pair[0], f"{server.url}/as/rekognition")
    told: dict[str, Any] = json.loads(run_python("aws", script, *arguments, **environment))
    assert set(told.pop("detail")) >= DETAIL
    by_image = told.pop("by image")
    assert [name for name, _ in by_image] == ["one", "again"]
    assert 100 >= by_image[0][1] > by_image[1][1] >= 80
    assert told.pop("errors") == {
        "exists": ["ResourceAlreadyExistsException"] * 2,
        "user exists": ["ConflictException"] * 2,
        "unknown": ["ResourceNotFoundException"] * 2,
        "no face": ["InvalidParameterException"] * 2,
        "broken": ["InvalidImageFormatException"] * 2,
        "in S3": ["InvalidS3ObjectException"] * 2,
        "token": ["InvalidPaginationTokenException"] * 2,
        "not served": ["ClientError", "UnknownOperationException"],
        "secret": ["ClientError", "InvalidSignatureException"],
    }
    assert told == {
        "request ids": True,
        "is a time": True,
        "created": 200,
        "empty": [],
        "counts": [3, 0],
        "faces": ["one", "again", "other"],
        "collections": ["boto3", "default"],
        "by face": ["again"],
        "same": [1, 0],
        "differ": [0, 1],
        "detected": 1,
        "associated": 2,
        "refused": [["LOW_MATCH_CONFIDENCE"]],
        "users": [["ann", "ACTIVE"], ["bob", "ACTIVE"]],
        "users by face": ["ann"],
        "users by user": [],
        "users by image": ["bob"],
        "kept": [["ASSOCIATED_TO_AN_EXISTING_USER"]],
        "freed": [1, "ACTIVE"],
        "deleted": True,
        "below a path": ["boto3", "default"],
        "left": 2,
        "dropped": 200,
    }


def test_the_sdk_for_javascript(
    server: Server, environment: dict[str, str], pictures: list[str]
) -> None:
    script = SCRIPTS / "rekognition.mjs"
    told = json.loads(run_node("rekognition", script, *pictures, server.url, **environment))
    assert told.pop("unknown")[:2] == ["ResourceNotFoundException", 400]
    name, status, message = told.pop("noFace")
    assert (name, status) == ("InvalidParameterException", 400)
    assert "no faces" in message
    assert told == {
        "created": 200,
        "described": True,
        "byImage": ["one", "again"],
        "same": 1,
        "associated": 2,
        "users": ["ann"],
        "faces": ["one", "again", "other"],
        "taken": "ConflictException",
        "dropped": 200,
    }


def test_the_command_line(environment: dict[str, str], pictures: list[str]) -> None:
    aws = python_of("aws").with_name("aws")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(aws.with_name("python")), str(aws), "rekognition", *arguments]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    def told(*arguments: str) -> Any:
        done = run(*arguments)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    of = ("--collection-id", "default")
    indexed = told("index-faces", *of, "--image-bytes", f"fileb://{pictures[0]}")
    assert len(indexed["FaceRecords"]) == 1
    found = told("search-faces-by-image", *of, "--image-bytes", f"fileb://{pictures[1]}")
    (match,) = found["FaceMatches"]
    assert match["Face"]["FaceId"] == indexed["FaceRecords"][0]["Face"]["FaceId"]
    refused = run("describe-collection", "--collection-id", "none")
    assert refused.returncode != 0
    assert "ResourceNotFoundException" in refused.stderr
