"""The operations on pictures alone."""

from collections.abc import Sequence
from typing import Any

from faceserver.api.pictures import CompareAnswer, DetectAnswer, EmbedAnswer, UrlPicture, Which
from faceserver.client.transport import ApiError, Picture, Transport, file_of, link_of


class PictureOperations(Transport):
    """Nothing is stored."""

    def detect(self, picture: Picture, *, attributes: Sequence[str] = ()) -> DetectAnswer:
        """Find every face of a picture, and tell of it what is asked for, such as its age."""
        return self.send_picture(DetectAnswer, "/detect", picture, _asked(attributes))

    def embed(
        self, picture: Picture, *, faces: Which = "all", attributes: Sequence[str] = ()
    ) -> EmbedAnswer:
        """Find the faces of a picture and turn each into a vector."""
        options = {"faces": faces, **_asked(attributes)}
        return self.send_picture(EmbedAnswer, "/embed", picture, options)

    def compare(self, a: Picture, b: Picture, *, faces: Which = "all") -> CompareAnswer:
        """Measure every face of one picture against every face of another; both files, or URLs."""
        if isinstance(a, str | UrlPicture) and isinstance(b, str | UrlPicture):
            body = {"a": link_of(a), "b": link_of(b), "faces": faces}
            return self.call(CompareAnswer, "POST", "/compare", json=body)
        if isinstance(a, str | UrlPicture) or isinstance(b, str | UrlPicture):
            raise ApiError("send two files or two URLs", code="invalid_request")
        files = {"a": file_of(a), "b": file_of(b)}
        return self.call(CompareAnswer, "POST", "/compare", files=files, data={"faces": faces})


def _asked(attributes: Sequence[str]) -> dict[str, Any]:
    return {"attributes": list(attributes)} if attributes else {}
