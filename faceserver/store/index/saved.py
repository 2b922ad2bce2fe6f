"""The graph on disk: a file of hnswlib's, and a manifest that says what is in it.

The graph's file gets a new name each time; the manifest is then put in the place of the old one.
So there is always one manifest with the one file it names, whenever the process dies.
"""

from hashlib import file_digest
from pathlib import Path
from typing import Annotated, Literal
from uuid import uuid4

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from faceserver.layout import TEMPORARY
from faceserver.runtime.atomic_files import (
    file_errors,
    make_folder,
    sync,
    write_atomically,
)
from faceserver.runtime.private_files import make_private
from faceserver.store.index.hnsw import EF_CONSTRUCTION, HnswIndex, M
from faceserver.store.sqlite.facetable import FaceTable

_WITNESSES = 32


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
        faces: how many vectors can be found.
        last: the highest label, which is SQLite's row id.
        witnesses: some of the labels and the ids of their faces: no other gallery has the same,
            nor has an older copy of this one.
        ef: candidates that a search looks at.
        recall: as measured with that ef; None if it was not.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: Literal[2] = 2
    file: Annotated[str, Field(pattern=r"^[0-9a-f]{32}\.hnsw$")]
    sha256: str
    model: str
    dims: int
    m: int = M
    ef_construction: int = EF_CONSTRUCTION
    faces: int
    last: int
    witnesses: dict[int, str]
    ef: int
    recall: float | None


class SavedIndex:
    """A folder with at most one saved graph of one collection."""

    def __init__(self, folder: Path, faces: FaceTable, *, model: str) -> None:
        """Remember where it is.

        Args:
            folder: where the graph is kept; made when there is one.
            faces: what SQLite holds of the collection.
            model: whose embeddings they are.
        """
        self._folder = folder
        self._path = folder / "manifest.json"
        self._model = model
        self._dims = faces.dims
        self._faces = faces

    def load(self) -> tuple[HnswIndex, Manifest]:
        """Read the graph, once all signs say that it is whole and of these faces.

        Raises:
            Unusable: they do not, or there is none.
        """
        manifest = self._manifest()
        path = self._folder / manifest.file
        try:
            if _sha256(path) != manifest.sha256:
                raise Unusable("its file has been changed since it was written")
            graph = HnswIndex.load(path, dims=self._dims, last=manifest.last)
        except (OSError, ValueError) as error:
            raise Unusable(f"its file cannot be read: {error}") from error
        return graph, manifest

    def save(self, graph: HnswIndex, *, ef: int, recall: float | None) -> None:
        """Put a graph on the disk in the place of the one before.

        Others may use the graph meanwhile.

        Raises:
            StoreFull: no space left on the device; the one before is still there.
            StoreError: the system refused; the one before is still there.
        """
        make_folder(self._folder)
        path = self._folder / f"{uuid4().hex}.hnsw"
        try:
            with file_errors(path):
                make_private(path)
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
                witnesses=self._faces.ids_of(self._faces.spread(_WITNESSES, last=last)),
                ef=ef,
                recall=recall,
            )
            write_atomically(self._path, manifest.model_dump_json(indent=2).encode())
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        self._remove_all_but(path)

    def discard(self) -> int:
        """Remove the folder with all that is in it; return how many files that were.

        Raises:
            StoreError: the system refused.
        """
        with file_errors(self._folder):
            files = list(self._folder.glob("*"))
            for path in files:
                path.unlink()
            if self._folder.exists():
                self._folder.rmdir()
        return len(files)

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
        # Those that were deleted since are no witnesses any more; the others must agree.
        present = self._faces.ids_of(np.array(list(manifest.witnesses), np.int64))
        if not present or not present.items() <= manifest.witnesses.items():
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
