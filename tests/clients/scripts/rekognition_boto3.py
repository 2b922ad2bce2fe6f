"""Every operation of Rekognition that is served, with boto3 as it is published; prints JSON.

Arguments: two photographs of one person, one of another person, one without a face.
"""

import datetime
import json
import sys
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ONE, AGAIN, OTHER, EMPTY = ({"Bytes": Path(path).read_bytes()} for path in sys.argv[1:5])
COLLECTION = "boto3"

client = boto3.client("rekognition", region_name="eu-central-1")
told: dict[str, Any] = {"request ids": True}


def error_of(call: Any, **members: object) -> list[str]:
    try:
        call(**members)
    except ClientError as error:
        told["request ids"] &= bool(error.response["ResponseMetadata"]["RequestId"])
        return [type(error).__name__, error.response["Error"]["Code"]]
    return []


made = client.create_collection(CollectionId=COLLECTION)
told["created"] = made["StatusCode"]
told["request ids"] &= bool(made["ResponseMetadata"]["RequestId"])

one = client.index_faces(
    CollectionId=COLLECTION, Image=ONE, ExternalImageId="one", DetectionAttributes=["ALL"]
)
again = client.index_faces(
    CollectionId=COLLECTION, Image=AGAIN, ExternalImageId="again", MaxFaces=1
)
other = client.index_faces(CollectionId=COLLECTION, Image=OTHER, ExternalImageId="other")
ids = {
    name: answer["FaceRecords"][0]["Face"]["FaceId"]
    for name, answer in (("one", one), ("again", again), ("other", other))
}
told["detail"] = sorted(one["FaceRecords"][0]["FaceDetail"])
told["empty"] = client.index_faces(CollectionId=COLLECTION, Image=EMPTY)["FaceRecords"]

described = client.describe_collection(CollectionId=COLLECTION)
told["counts"] = [described["FaceCount"], described["UserCount"]]
told["is a time"] = isinstance(described["CreationTimestamp"], datetime.datetime)

pages = client.get_paginator("list_faces").paginate(
    CollectionId=COLLECTION, PaginationConfig={"PageSize": 1}
)
told["faces"] = [face["ExternalImageId"] for page in pages for face in page["Faces"]]
pages = client.get_paginator("list_collections").paginate(PaginationConfig={"PageSize": 1})
told["collections"] = [name for page in pages for name in page["CollectionIds"]]

found = client.search_faces_by_image(CollectionId=COLLECTION, Image=ONE)
told["by image"] = [
    [match["Face"]["ExternalImageId"], match["Similarity"]] for match in found["FaceMatches"]
]
found = client.search_faces(CollectionId=COLLECTION, FaceId=ids["one"])
told["by face"] = [match["Face"]["ExternalImageId"] for match in found["FaceMatches"]]
same = client.compare_faces(SourceImage=ONE, TargetImage=AGAIN)
told["same"] = [len(same["FaceMatches"]), len(same["UnmatchedFaces"])]
differ = client.compare_faces(SourceImage=ONE, TargetImage=OTHER)
told["differ"] = [len(differ["FaceMatches"]), len(differ["UnmatchedFaces"])]
told["detected"] = len(client.detect_faces(Image=ONE, Attributes=["DEFAULT"])["FaceDetails"])

for name in ("ann", "bob"):
    client.create_user(CollectionId=COLLECTION, UserId=name)
associated = client.associate_faces(
    CollectionId=COLLECTION, UserId="ann", FaceIds=[ids["one"], ids["again"], ids["other"]]
)
told["associated"] = len(associated["AssociatedFaces"])
told["refused"] = [each["Reasons"] for each in associated["UnsuccessfulFaceAssociations"]]
client.associate_faces(CollectionId=COLLECTION, UserId="bob", FaceIds=[ids["other"]])
pages = client.get_paginator("list_users").paginate(
    CollectionId=COLLECTION, PaginationConfig={"PageSize": 1}
)
told["users"] = [[each["UserId"], each["UserStatus"]] for page in pages for each in page["Users"]]
found = client.search_users(CollectionId=COLLECTION, FaceId=ids["one"])
told["users by face"] = [match["User"]["UserId"] for match in found["UserMatches"]]
found = client.search_users(CollectionId=COLLECTION, UserId="ann")
told["users by user"] = [match["User"]["UserId"] for match in found["UserMatches"]]
found = client.search_users_by_image(CollectionId=COLLECTION, Image=OTHER)
told["users by image"] = [match["User"]["UserId"] for match in found["UserMatches"]]
kept = client.delete_faces(CollectionId=COLLECTION, FaceIds=[ids["one"]])
told["kept"] = [each["Reasons"] for each in kept["UnsuccessfulFaceDeletions"]]
freed = client.disassociate_faces(CollectionId=COLLECTION, UserId="ann", FaceIds=[ids["one"]])
told["freed"] = [len(freed["DisassociatedFaces"]), freed["UserStatus"]]
gone = client.delete_faces(CollectionId=COLLECTION, FaceIds=[ids["one"]])
told["deleted"] = gone["DeletedFaces"] == [ids["one"]]

errors = {
    "exists": error_of(client.create_collection, CollectionId=COLLECTION),
    "user exists": error_of(client.create_user, CollectionId=COLLECTION, UserId="ann"),
    "unknown": error_of(client.describe_collection, CollectionId="none"),
    "no face": error_of(client.search_faces_by_image, CollectionId=COLLECTION, Image=EMPTY),
    "broken": error_of(client.detect_faces, Image={"Bytes": b"no picture"}),
    "in S3": error_of(client.detect_faces, Image={"S3Object": {"Bucket": "bucket", "Name": "n"}}),
    "token": error_of(client.list_users, CollectionId=COLLECTION, NextToken="bogus"),
    "not served": error_of(client.detect_labels, Image=ONE),
}
stranger = boto3.client(
    "rekognition",
    region_name="us-east-1",
    aws_secret_access_key="wrong",
    aws_access_key_id=sys.argv[5],
    config=Config(retries={"total_max_attempts": 1}),
)
told["errors"] = {**errors, "secret": error_of(stranger.list_collections)}
below = boto3.client("rekognition", region_name="us-east-1", endpoint_url=sys.argv[6])
told["below a path"] = below.list_collections()["CollectionIds"]

client.delete_user(CollectionId=COLLECTION, UserId="ann")
told["left"] = len(client.list_faces(CollectionId=COLLECTION)["Faces"])
told["dropped"] = client.delete_collection(CollectionId=COLLECTION)["StatusCode"]
print(json.dumps(told))
