"""A thin client of the v1 API; its methods have the operations' names.

    from faceserver.client import Client

    client = Client("http://127.0.0.1:8000", key="...")
    ann = client.create_subject("default", name="Ann")
    client.add_faces("default", Path("ann.jpg"), subject=ann.id)
    answer = client.search("default", Path("party.jpg"))

A picture is a path, bytes, or a URL, which the server fetches. What the URL's host asks for goes
along with it: ``UrlPicture(url=..., auth=Credentials(username=..., password=...))``.
"""

from faceserver.api.pictures import Credentials, UrlPicture
from faceserver.client.faces import FaceOperations
from faceserver.client.gallery import GalleryOperations
from faceserver.client.jobs import JobOperations
from faceserver.client.pictures import PictureOperations
from faceserver.client.refusals import RefusalOperations
from faceserver.client.server import ServerOperations
from faceserver.client.strangers import StrangerOperations
from faceserver.client.suggestions import SuggestionOperations
from faceserver.client.transport import ApiError, Picture, every
from faceserver.client.webhooks import WebhookOperations

__all__ = ["ApiError", "Client", "Credentials", "Picture", "UrlPicture", "every"]


class Client(
    PictureOperations,
    GalleryOperations,
    FaceOperations,
    RefusalOperations,
    StrangerOperations,
    SuggestionOperations,
    JobOperations,
    ServerOperations,
    WebhookOperations,
):
    """Calls one server. Not for several threads at once.

    Every method raises :class:`ApiError`.
    """
