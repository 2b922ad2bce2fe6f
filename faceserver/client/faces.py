"""The operations on stored faces."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from faceserver.api.faces import (
    AddedFaces,
    DeletedFace,
    Face,
    Faces,
    MovedFaces,
    SearchAnswer,
    SearchFilter,
    ThumbnailSize,
)
from faceserver.api.frames import FramesAnswer
from faceserver.api.pictures import DetectedFace, UrlPicture, Which
from faceserver.api.unnamed import HiddenFaces, UnnamedFaces
from faceserver.client.transport import (
    Picture,
    Transport,
    dumped_filter,
    file_of,
    given,
    link_of,
    path_of,
)


class FaceOperations(Transport):
    """Stored faces, and searching among them."""

    def add_faces(
        self,
        collection: str,
        picture: Picture,
        *,
        subject: UUID | None = None,
        tags: Sequence[str] = (),
        external_id: str | None = None,
        faces: Which = "all",
        source: str | None = None,
        attributes: Sequence[str] = (),
        **gate: float | None,
    ) -> AddedFaces:
        """Store the faces of a picture.

        Args:
            collection: where to.
            picture: whose faces.
            subject: whom they show.
            tags: of the faces.
            external_id: likewise.
            faces: all of them, or the largest alone.
            source: what the picture is called.
            attributes: what is told of them, and stored, such as ``age`` and ``quality``.
            gate: what they must have: ``min_size``, ``min_sharpness``, ``max_angle``,
                ``min_quality``; and ``keep_best``.
        """
        fields = given(subject=subject, external_id=external_id, source=source, **gate)
        fields |= {"faces": faces, "tags": list(tags), "attributes": list(attributes)}
        return self.send_picture(AddedFaces, f"{path_of(collection)}/faces", picture, fields)

    def add_embedding(
        self,
        collection: str,
        embedding: Sequence[float],
        *,
        model: str,
        subject: UUID | None = None,
        tags: Sequence[str] = (),
        external_id: str | None = None,
        source: str | None = None,
        face: DetectedFace | None = None,
    ) -> AddedFaces:
        """Store a face that was embedded elsewhere, with the collection's model."""
        body = given(subject=subject, external_id=external_id, source=source)
        body |= {"embedding": list(embedding), "model": model, "tags": list(tags)}
        if face is not None:
            body["face"] = face.model_dump(mode="json", include={"box", "points", "score"})
        return self.call(AddedFaces, "POST", f"{path_of(collection)}/faces", json=body)

    def list_faces(
        self,
        collection: str,
        *,
        subject: UUID | None = None,
        tag: Sequence[str] = (),
        external_id: str | None = None,
        named: bool | None = None,
        age: str | None = None,
        gender: str | None = None,
        min_quality: float | None = None,
        where: Sequence[str] = (),
        limit: int = 100,
        cursor: str | None = None,
    ) -> Faces:
        """List faces in the order they were stored.

        Args:
            collection: whose.
            subject: only faces of this person.
            tag: only faces that have all of these tags, or whose person has.
            external_id: only faces with this one.
            named: only those with a name, or only those without.
            age: only faces stored with an age in this range, such as ``20-40``.
            gender: only faces stored with this one.
            min_quality: only faces stored with this quality, or a better one.
            where: conditions on any stored attribute, such as ``mask:without``.
            limit: at most so many.
            cursor: from the page before.
        """
        only = {
            "subject": subject,
            "tag": list(tag),
            "external_id": external_id,
            "named": named,
            "age": age,
            "gender": gender,
            "min_quality": min_quality,
            "where": list(where),
        }
        return self.list_of(Faces, f"{path_of(collection)}/faces", limit, cursor, only)

    def get_face(self, collection: str, face: UUID) -> Face:
        """Get a face."""
        return self.call(Face, "GET", f"{path_of(collection)}/faces/{face}")

    def move_face(self, collection: str, face: UUID, subject: UUID | None) -> Face:
        """Say whom a face shows, None for nobody."""
        body = {"subject": str(subject) if subject else None}
        return self.call(Face, "PATCH", f"{path_of(collection)}/faces/{face}", json=body)

    def move_faces(
        self, collection: str, faces: Sequence[UUID], subject: UUID | None
    ) -> MovedFaces:
        """Say of many faces at once whom they show, None for nobody."""
        body = {
            "faces": [str(face) for face in faces],
            "subject": str(subject) if subject else None,
        }
        return self.call(MovedFaces, "POST", f"{path_of(collection)}/faces/move", json=body)

    def group_unnamed(
        self,
        collection: str,
        *,
        threshold: float | None = None,
        min_size: float | None = None,
        min_sharpness: float | None = None,
        min_quality: float | None = None,
        hidden: bool = False,
        limit: int = 50,
    ) -> UnnamedFaces:
        """Group the faces that nobody has named into likely people."""
        only = {
            "threshold": threshold,
            "min_size": min_size,
            "min_sharpness": min_sharpness,
            "min_quality": min_quality,
            "hidden": "true" if hidden else None,
            "limit": limit,
        }
        return self.call(UnnamedFaces, "GET", f"{path_of(collection)}/unnamed", params=only)

    def hide_unnamed(
        self, collection: str, faces: Sequence[UUID], *, hidden: bool = True
    ) -> HiddenFaces:
        """Hide unnamed faces that are of no interest, or show them again."""
        body = {"faces": [str(face) for face in faces], "hidden": hidden}
        return self.call(HiddenFaces, "POST", f"{path_of(collection)}/unnamed/hide", json=body)

    def tag_face(self, collection: str, face: UUID, tags: Sequence[str]) -> Face:
        """Give a face these tags instead of those it has."""
        body = {"tags": list(tags)}
        return self.call(Face, "PATCH", f"{path_of(collection)}/faces/{face}", json=body)

    def delete_face(self, collection: str, face: UUID) -> DeletedFace:
        """Delete a face; its picture goes with the last face that is in it."""
        return self.call(DeletedFace, "DELETE", f"{path_of(collection)}/faces/{face}")

    def get_face_picture(self, collection: str, face: UUID, *, side: int | None = None) -> bytes:
        """Get the stored picture as JPEG, no side longer than ``side`` pixels."""
        path = f"{path_of(collection)}/faces/{face}/picture"
        return self.ask("GET", path, params={} if side is None else {"side": side}).content

    def get_face_crop(self, collection: str, face: UUID) -> bytes:
        """Get the face as the model sees it, as JPEG."""
        return self.ask("GET", f"{path_of(collection)}/faces/{face}/crop").content

    def get_face_thumbnail(
        self, collection: str, face: UUID, *, size: ThumbnailSize = "large"
    ) -> bytes:
        """Get the face as a small square picture, 96 or 256 pixels wide, as WebP."""
        path = f"{path_of(collection)}/faces/{face}/thumbnail"
        return self.ask("GET", path, params={"size": size}).content

    def search(
        self,
        collection: str,
        picture: Picture,
        *,
        faces: Which = "all",
        only: SearchFilter | None = None,
        **options: Any,
    ) -> SearchAnswer:
        """Say of each face of a picture who it is.

        Args:
            collection: where to search.
            picture: whose faces to search for.
            faces: all of them, or the largest alone.
            only: which stored faces.
            options: ``k``, ``threshold``, ``margin``, ``grouped``, ``remember``.
        """
        fields = {**given(**options), "faces": faces}
        path = f"{path_of(collection)}/search"
        if isinstance(picture, str | UrlPicture):
            body = {**fields, **link_of(picture), "filter": dumped_filter(only)}
            return self.call(SearchAnswer, "POST", path, json=body)
        return self.send_picture(SearchAnswer, path, picture, {**fields, **dumped_filter(only)})

    def search_frames(
        self,
        collection: str,
        pictures: Sequence[Path | bytes],
        *,
        only: SearchFilter | None = None,
        **options: Any,
    ) -> FramesAnswer:
        """Say once who the person is whom several pictures show; options as in `search`."""
        files = [("files", file_of(picture)) for picture in pictures]
        fields = {**given(**options), **dumped_filter(only)}
        path = f"{path_of(collection)}/search/frames"
        return self.call(FramesAnswer, "POST", path, files=files, data=fields)

    def search_embedding(
        self,
        collection: str,
        embedding: Sequence[float],
        *,
        model: str,
        only: SearchFilter | None = None,
        **options: Any,
    ) -> SearchAnswer:
        """Say of an embedding of the collection's model who it is; options as in `search`."""
        body = {"embedding": list(embedding), "model": model, **given(**options)}
        return self._search(collection, body, only)

    def search_face(
        self,
        collection: str,
        face: UUID,
        *,
        only: SearchFilter | None = None,
        **options: Any,
    ) -> SearchAnswer:
        """Say of a stored face who else it is like; options as in `search`."""
        return self._search(collection, {"face": str(face), **given(**options)}, only)

    def _search(
        self, collection: str, body: dict[str, Any], only: SearchFilter | None
    ) -> SearchAnswer:
        body = {**body, "filter": dumped_filter(only)}
        return self.call(SearchAnswer, "POST", f"{path_of(collection)}/search", json=body)
