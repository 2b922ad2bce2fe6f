"""CreateCollection, DeleteCollection, ListCollections, DescribeCollection."""

from faceserver.web.compat.rekognition.inputs import CollectionPage, NewCollection, OfCollection
from faceserver.web.compat.rekognition.operations import operation
from faceserver.web.compat.rekognition.shapes import Shape, arn, model_version, with_token
from faceserver.web.context import services
from faceserver.web.guard.auth import caller
from faceserver.web.v1.cursors import page_of

_PAGE = 4_096


@operation("CreateCollection", NewCollection, scope="admin")
def create(asked: NewCollection) -> Shape:
    """Make a collection of the server's model."""
    made = services().collections.create(asked.collection_id)
    return {
        "StatusCode": 200,
        "CollectionArn": arn(asked.collection_id),
        "FaceModelVersion": model_version(made.status.model),
    }


@operation("DeleteCollection", OfCollection, scope="admin")
def delete(asked: OfCollection) -> Shape:
    """Delete a collection with all that is in it; the default one is emptied."""
    services().delete_collection(asked.collection_id)
    return {"StatusCode": 200}


@operation("ListCollections", CollectionPage)
def listed(asked: CollectionPage) -> Shape:
    """List the collections by name; to a key that is bound to one, that one alone."""
    collections, bound = services().collections, caller().collection
    names = [name for name in collections.names() if bound in {None, name}]
    page = page_of(names, str, limit=asked.max_results or _PAGE, cursor=asked.next_token)
    found = collections.describe_some(page.items)
    return with_token(
        {
            "CollectionIds": [each.status.name for each in found],
            "FaceModelVersions": [model_version(each.status.model) for each in found],
        },
        page.cursor,
    )


@operation("DescribeCollection", OfCollection)
def describe(asked: OfCollection) -> Shape:
    """Count a collection's faces and users."""
    found = services().collections.describe(asked.collection_id)
    return {
        "FaceCount": found.status.faces,
        "UserCount": found.subjects,
        "FaceModelVersion": model_version(found.status.model),
        "CollectionARN": arn(asked.collection_id),
        "CreationTimestamp": round(found.created.timestamp(), 3),
    }
