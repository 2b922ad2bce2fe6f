"""How the server is."""

from typing import Literal

from pydantic import Field

from faceserver.api.base import Answer
from faceserver.api.gallery import Collection


class Latency(Answer):
    """How long something takes, since the server's start; estimated from a histogram."""

    kind: Literal["step", "route"] = Field(description="A step of the work, or whole requests.")
    name: str = Field(description="Such as `detect`, or a route's address.")
    count: int = Field(description="How often it was measured.")
    p50: float = Field(description="Seconds; half of them took less.")
    p95: float = Field(description="Seconds; 95 of 100 took less.")
    p99: float = Field(description="Seconds; 99 of 100 took less.")


class Disk(Answer):
    """Bytes of the data folder, found within the last half minute."""

    faces: int = Field(description="The database with faces, vectors and people.")
    index: int = Field(description="Saved indexes.")
    pictures: int = Field(description="Stored pictures and crops.")
    other: int
    free: int = Field(description="Left on this disk.")


class Status(Answer):
    """How the server is, and what it holds."""

    version: str
    engine: str = Field(description="What runs the models.")
    model: str = Field(description="What new collections are of.")
    open_jobs: int = Field(description="Jobs that wait or run.")
    lost_changes: int = Field(
        default=0, description="Committed changes that the disk has lost; `/health` tells more."
    )
    lost_faces: int = Field(default=0, description="At most so many faces were stored in them.")
    collections: tuple[Collection, ...] = Field(description="By name; the first thousand.")
    latency: tuple[Latency, ...] = Field(description="Steps first; of each kind the slowest first.")
    disk: Disk
