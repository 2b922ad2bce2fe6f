"""The graph on disk: a file of hnswlib's, and a manifest that says what is in it.

The graph's file gets a new name each time; the manifest is then put in the place of the old one.
So there is always one manifest with the one file it names, whenever the process dies.
"""

from collections.abc import Callable
from hashlib import file_digest
from pathlib import Path
from typing import Annotated, Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from faceserver.store.files import TEMPORARY, file_errors, make_folder, sync, write_atomically
from faceserver.store.hnsw import EF_CONSTRUCTION, HnswIndex, M


class Unusable(Exception):
    """There is no saved graph, or it is torn, or it is one of other faces."""


class Manifest(BaseModel):
    """What a saved graph holds.

    Attributes:
        file: the graph's file, beside the manifest.
        sha256: of that file.
        model: whose embeddings they are.
        dims: their length.
        m: links of a vector on each layer.
        ef_construction: candidates looked at when it was built.
        faces: how many vectors.
        last: the highest label, which is SQLite's row id.
        last_face: the id of the face in that row: no other gallery has it, nor an older copy.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    file: Annotated[str, Field(pattern=r"^[0-9a-f]{32}\.hnsw$")]
    sha256: str
    model: str
    dims: int
    m: int = M
    ef_construction: int = EF_CONSTRUCTION
    faces: int
    last: int
    last_face: str | None


class SavedIndex:
    """A folder with at most one saved graph of one model's embeddings.

    Attributes:
        faces: how many faces the graph holds that was loaded or saved last; 0 before that.
    """

    def __init__(
        self, folder: Path, *, model: str, dims: int, face_id: Callable[[int], str | None]
    ) -> None:
        """Make the folder where it is missing.

        Args:
            folder: where the graph is kept.
            model: whose embeddings they are.
            dims: their length.
            face_id: the id of the face that SQLite holds under a label, None if there is none.

        Raises:
            StoreError: the folder cannot be made.
        """
        self._folder = folder
        self._path = folder / "manifest.json"
        self._model = model
        self._dims = dims
        self._face_id = face_id
        self.faces = 0
        make_folder(folder)

    def load(self) -> HnswIndex:
        """Read the graph, once all signs say that it is whole and of these faces.

        Raises:
            Unusable: they do not, or there is none.
        """
        manifest = self._manifest()
        path = self._folder / manifest.file
        try:
            if _sha256(path) != manifest.sha256:
                raise Unusable("its file is not as it was written")
            graph = HnswIndex.load(path, dims=self._dims, last=manifest.last)
        except (OSError, ValueError) as error:
            raise Unusable(f"its file cannot be read: {error}") from error
        self.faces = len(graph)
        return graph

    def save(self, graph: HnswIndex) -> None:
        """Put a graph on the disk in the place of the one before.

        Others may search the graph meanwhile, and wait to add to it.

        Raises:
            StoreFull: no space is left; the one before is still there.
            StoreError: the system refused; the one before is still there.
        """
        path = self._folder / f"{uuid4().hex}.hnsw"
        try:
            with file_errors(path):
                faces, last = graph.save(path)
                sync(path)
                digest = _sha256(path)
            manifest = Manifest(
                file=path.name,
                sha256=digest,
                model=self._model,
                dims=self._dims,
                faces=faces,
                last=last,
                last_face=self._face_id(last),
            )
            write_atomically(self._path, manifest.model_dump_json(indent=2).encode())
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        self.faces = faces
        self._remove_all_but(path)

    def discard(self) -> None:
        """Forget the saved graph.

        Raises:
            StoreError: the system refused.
        """
        with file_errors(self._path):
            self._path.unlink(missing_ok=True)
        self.faces = 0

    def _manifest(self) -> Manifest:
        try:
            manifest = Manifest.model_validate_json(self._path.read_bytes())
        except FileNotFoundError as error:
            raise Unusable("it is missing") from error
        except (OSError, ValidationError) as error:
            raise Unusable(f"its manifest cannot be read: {error}") from error
        found = (manifest.model, manifest.dims, manifest.m, manifest.ef_construction)
        if found != (self._model, self._dims, M, EF_CONSTRUCTION):
            raise Unusable(f"it was built for other embeddings or with other settings: {found}")
        if self._face_id(manifest.last) != manifest.last_face:
            raise Unusable("it is of other faces")
        return manifest

    def _remove_all_but(self, kept: Path) -> None:
        for pattern in ("*.hnsw", f"*{TEMPORARY}"):
            for path in self._folder.glob(pattern):
                if path != kept:
                    path.unlink()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
