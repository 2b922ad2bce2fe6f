"""How the server is."""

from typing import Literal

from pydantic import Field

from faceserver.api.base import Answer
from faceserver.api.gallery import Collection


class Latency(Answer):
    """How long something takes, since the server's start; estimated from a histogram."""

    kind: Literal["step", "route"] = Field(description="A processing step, or whole requests.")
    name: str = Field(description="Name of the step, such as `detect`, or path of the route.")
    count: int = Field(description="Number of measurements.")
    p50: float = Field(description="Median in seconds.")
    p95: float = Field(description="95th percentile in seconds.")
    p99: float = Field(description="99th percentile in seconds.")


class Disk(Answer):
    """Bytes of the data folder, found within the last half minute."""

    faces: int = Field(description="The database with faces, embeddings and people.")
    index: int = Field(description="Saved indexes.")
    pictures: int = Field(description="Stored pictures and crops.")
    other: int
    free: int = Field(description="Free space on this disk.")


class Status(Answer):
    """Status and contents of the server."""

    version: str
    engine: str = Field(description="Inference runtime.")
    model: str = Field(description="Embedding model of new collections.")
    open_jobs: int = Field(description="Jobs queued or running.")
    lost_changes: int = Field(
        default=0, description="Committed changes that the disk has lost; see `/health`."
    )
    lost_faces: int = Field(default=0, description="Maximum number of faces stored by them.")
    collections: tuple[Collection, ...] = Field(description="By name; the first thousand.")
    latency: tuple[Latency, ...] = Field(description="Steps first; of each kind the slowest first.")
    disk: Disk
