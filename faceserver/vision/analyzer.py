"""From a picture to its faces and their embeddings."""

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from threading import Semaphore

import numpy as np

from faceserver.errors import NoFace, TooManyFaces
from faceserver.pictures import codec
from faceserver.runtime import deadline, metrics
from faceserver.types import DecodedPicture, Detection, Floats, Image
from faceserver.vision import Detector, Embedder
from faceserver.vision.attributes.base import Value
from faceserver.vision.attributes.pool import AttributePool, Cuts
from faceserver.vision.border import within_border
from faceserver.vision.orientation import sighted
from faceserver.vision.whole import face_inside, whole_picture

_WARM_UP_SHAPE = (900, 1200, 3)


@dataclass(frozen=True, eq=False)
class FoundFace:
    """A face that is found and cut out, not yet embedded; small next to its picture.

    Attributes:
        detection: where it is.
        crop: what the embedder wants of it.
        cuts: what the attributes want of it that were asked for.
    """

    detection: Detection
    crop: Image
    cuts: Cuts = field(default_factory=dict)

    def scaled(self, factor: float) -> "FoundFace":
        """The same face, by its place in a picture that is larger by a factor."""
        cuts = {
            name: replace(cut, detection=cut.detection.scaled(factor))
            for name, cut in self.cuts.items()
        }
        return FoundFace(self.detection.scaled(factor), self.crop, cuts)


class FoundFaces(list[FoundFace]):
    """The faces of a picture, largest first.

    Attributes:
        refused: how many more were left out because their points do not make a face.
    """

    def __init__(self, faces: Iterable[FoundFace] = (), *, refused: int = 0) -> None:
        """Take the faces."""
        super().__init__(faces)
        self.refused = refused

    def none(self, where: str = "in the picture") -> NoFace:
        """The error for a picture without faces, which says why if there might have been some."""
        if not self.refused:
            return NoFace(f"no face was found {where}")
        return NoFace(
            f"no face was found {where}: what looked like one has eyes, nose and mouth where no "
            "face has them, whichever way up the picture is held"
        )


class Analyzer:
    """Joins a detector and an embedder. Safe to call from several threads at once.

    Finding and embedding are two steps, so that the faces of many pictures can go through the
    embedder as one batch while only one picture is held in memory.

    Attributes:
        embedder: what embeds the faces; its name, dims and distances describe the embeddings.
        attributes: what can be told of faces beside.
    """

    def __init__(
        self,
        detector: Detector,
        embedder: Embedder,
        *,
        attributes: AttributePool | None = None,
        sure: float = 0.0,
        max_faces: int | None = None,
        at_once: int = 1,
    ) -> None:
        """Take the two parts.

        Args:
            detector: finds faces.
            embedder: embeds them.
            attributes: tells what else is to be known of them; None knows what needs no model.
            sure: score of the detector from which a face needs no look at the picture's other
                orientations; see :func:`faceserver.vision.orientation.sighted`.
            max_faces: how many a picture may hold.
            at_once: pictures that are decoded and searched at the same time; others wait. Many
                more than there are processors would take memory and only hinder each other.
        """
        self._detector = detector
        self._sure = sure
        self._max_faces = max_faces
        self._turns = Semaphore(at_once)
        self.embedder = embedder
        self.attributes = attributes or AttributePool()

    def with_embedder(self, embedder: Embedder) -> "Analyzer":
        """The same detector, and the same turns, with another embedder."""
        other = copy(self)
        other.embedder = embedder
        return other

    def warm_up(self) -> None:
        """Do what is slow once alone, so that the first request does not wait for it.

        Memory is taken, and the runtime writes code for each size of input.
        """
        self._detector.detect(np.zeros(_WARM_UP_SHAPE, np.uint8))
        self.embedder.warm_up()

    def read(
        self,
        data: bytes,
        *,
        max_bytes: int,
        max_pixels: int,
        attributes: Sequence[str] = (),
        whole: bool = False,
    ) -> tuple[DecodedPicture, FoundFaces]:
        """Decode a picture and find its faces, when it is its turn.

        Args:
            data: the file's content.
            max_bytes: see :func:`faceserver.pictures.codec.decode`.
            max_pixels: likewise.
            attributes: see :meth:`find`.
            whole: the picture is one face, which need not be looked for.

        Returns:
            The picture, turned as its EXIF says, and its faces, largest first, by their places in
            it as it was sent.

        Raises:
            ImageError: the picture cannot be used.
            TooManyFaces: it holds more than it may.
            TimedOut: the request that this is done for has taken too long.
        """
        with metrics.stage("wait"):
            self._turns.acquire()
        try:
            deadline.check()
            picture = codec.decode(data, max_bytes=max_bytes, max_pixels=max_pixels)
            found = (self._whole if whole else self.find)(picture.image, attributes)
            if picture.scale != 1:
                there = (face.scaled(picture.scale) for face in found)
                found = FoundFaces(there, refused=found.refused)
            return picture, found
        finally:
            self._turns.release()

    def find(self, image: Image, attributes: Sequence[str] = ()) -> FoundFaces:
        """Find every face of a picture and cut it out upright, largest first.

        Boxes and points are the picture's, whichever way up the faces are.

        Args:
            image: the picture.
            attributes: what :meth:`tell` will be asked for, by the attributes' own names.

        Raises:
            TooManyFaces: the picture holds more than it may.
            TimedOut: the request that this is done for has taken too long.
        """
        with metrics.stage("detect"):
            seen = sighted(image, self._detector.detect, sure=self._sure)
            if not seen.faces:
                framed = within_border(image, self._detector.detect, sure=self._sure)
                seen = framed if framed.faces else seen
        found = seen.faces
        if self._max_faces is not None and len(found) > self._max_faces:
            raise TooManyFaces(
                f"the picture holds {len(found)} faces; at most {self._max_faces} are allowed"
            )
        faces = (
            FoundFace(
                detection,
                self.embedder.crop(image, detection),
                self.attributes.cut(image, detection, attributes),
            )
            for detection in found
        )
        return FoundFaces(faces, refused=seen.refused)

    def _whole(self, image: Image, attributes: Sequence[str] = ()) -> FoundFaces:
        """The one face that a picture is, cut out."""
        inside = face_inside(image)
        crop = self.embedder.crop(image, inside)
        cuts = self.attributes.cut(image, inside, attributes)
        return FoundFaces([FoundFace(whole_picture(image), crop, cuts)])

    def embed(self, faces: Sequence[FoundFace]) -> Floats:
        """Embed faces of one or more pictures as one batch.

        Returns:
            float32, shape (number of faces, dims), each row of unit length.

        Raises:
            TimedOut: the request that this is done for has taken too long.
        """
        deadline.check()
        with metrics.stage("embed"):
            return self.embedder.embed([face.crop for face in faces])

    def tell(self, faces: Sequence[FoundFace]) -> list[dict[str, Value]]:
        """What attributes tell of faces of one or more pictures, each attribute in one batch.

        Returns:
            For each face a value for each attribute that it was found with.

        Raises:
            TimedOut: the request that this is done for has taken too long.
        """
        if not any(face.cuts for face in faces):
            return [{} for _ in faces]
        deadline.check()
        with metrics.stage("attributes"):
            return self.attributes.tell([face.cuts for face in faces])
