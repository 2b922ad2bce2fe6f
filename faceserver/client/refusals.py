"""The operations on refusals: faces that are known not to be a certain person."""

from collections.abc import Sequence
from uuid import UUID

from faceserver.api.pictures import Which
from faceserver.api.refusals import Refusal, Refusals, UndoneRefusal
from faceserver.client.transport import Picture, Transport, path_of


class RefusalOperations(Transport):
    """Not this person."""

    def refuse_subject(
        self, collection: str, subject: UUID, picture: Picture, *, faces: Which = "all"
    ) -> Refusal:
        """Remember that the face of a picture is not this person."""
        return self.send_picture(Refusal, _path(collection, subject), picture, {"faces": faces})

    def refuse_face(self, collection: str, subject: UUID, face: UUID) -> Refusal:
        """Remember that a stored face is not this person."""
        return self.call(Refusal, "POST", _path(collection, subject), json={"face": str(face)})

    def refuse_embedding(
        self, collection: str, subject: UUID, embedding: Sequence[float], *, model: str
    ) -> Refusal:
        """Remember that an embedding of the collection's model is not this person."""
        body = {"embedding": list(embedding), "model": model}
        return self.call(Refusal, "POST", _path(collection, subject), json=body)

    def list_refusals(
        self,
        collection: str,
        *,
        subject: UUID | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Refusals:
        """List the refusals in the order they were made."""
        only = {"subject": subject}
        return self.list_of(Refusals, f"{path_of(collection)}/refusals", limit, cursor, only)

    def undo_refusal(self, collection: str, refusal: UUID) -> UndoneRefusal:
        """Undo a refusal."""
        return self.call(UndoneRefusal, "DELETE", f"{path_of(collection)}/refusals/{refusal}")


def _path(collection: str, subject: UUID) -> str:
    return f"{path_of(collection)}/subjects/{subject}/refuse"
