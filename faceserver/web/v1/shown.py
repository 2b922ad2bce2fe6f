"""From what the parts know to what is answered."""

from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from flask import url_for

from faceserver.api import faces, gallery, jobs, models, pictures
from faceserver.api.frames import Frame as FrameAnswer
from faceserver.api.frames import FramesAnswer
from faceserver.api.stranger import Stranger as StrangerAnswer
from faceserver.jobs import records
from faceserver.models.distances import SimilarityCurve
from faceserver.models.spec import EmbedderSpec
from faceserver.services.collections import Described
from faceserver.services.models import ListedModel
from faceserver.services.searching import (
    FramesSearched,
    Hit,
    Person,
    ProbeResult,
    Searched,
    Verdict,
)
from faceserver.services.strangers import Stranger
from faceserver.store.results import Receipt
from faceserver.types import NOWHERE, Box, Detection, Face, Merge, Point, Subject
from faceserver.vision.attributes.base import Value

_PIXEL_DECIMALS = 2
_SCORE_DECIMALS = 4
_DISTANCE_DECIMALS = 6


def box(found: Box) -> pictures.Box:
    """Where a face is."""
    x1, y1, x2, y2 = (_pixel(value) for value in (found.x1, found.y1, found.x2, found.y2))
    return pictures.Box(x1=x1, y1=y1, x2=x2, y2=y2)


def points(found: tuple[Point, Point, Point, Point, Point]) -> pictures.Points:
    """Where its five points are."""
    left_eye, right_eye, nose, left_mouth, right_mouth = (
        pictures.Point(x=_pixel(x), y=_pixel(y)) for x, y in found
    )
    return pictures.Points(
        left_eye=left_eye,
        right_eye=right_eye,
        nose=nose,
        left_mouth=left_mouth,
        right_mouth=right_mouth,
    )


def described(found: Detection, told: Mapping[str, Value]) -> pictures.DescribedFace:
    """A face in a picture, and what was asked for of it."""
    known = {name: dict(value) for name, value in told.items()} or None
    return pictures.DescribedFace(
        **dict(detected(found)), attributes=cast("pictures.Attributes | None", known)
    )


def detected(found: Detection) -> pictures.DetectedFace:
    """A face in a picture."""
    return pictures.DetectedFace(
        box=box(found.box),
        points=points(found.points),
        score=round(found.score, _SCORE_DECIMALS),
    )


def distance(value: float) -> float:
    """A distance, without digits that mean nothing."""
    return round(max(value, 0.0), _DISTANCE_DECIMALS)


def similarity(curve: SimilarityCurve | None, value: float) -> float | None:
    """What a distance means; None where nobody has measured it."""
    return None if curve is None else round(curve.of(value), _DISTANCE_DECIMALS)


def face(stored: Face, collection: str) -> faces.Face:
    """A stored face."""
    place = stored.detection
    is_placed = place != NOWHERE
    where: dict[str, Any] = {"collection": collection, "face": str(UUID(stored.id))}
    has_crop = stored.crop is not None or (stored.picture is not None and is_placed)
    return faces.Face(
        id=UUID(stored.id),
        collection=collection,
        subject=UUID(stored.subject) if stored.subject else None,
        box=box(place.box) if is_placed else None,
        points=points(place.points) if is_placed else None,
        score=round(place.score, _SCORE_DECIMALS) if is_placed else None,
        quality=stored.quality,
        attributes=dict(stored.attributes),
        tags=stored.tags,
        external_id=stored.external_id,
        source=stored.source,
        picture=url_for("v1_faces.picture", **where) if stored.picture else None,
        crop=url_for("v1_faces.crop", **where) if has_crop else None,
        thumbnail=url_for("v1_faces.thumbnail", **where) if has_crop else None,
        created=stored.created,
    )


def subject(stored: Subject) -> gallery.Subject:
    """A person."""
    return gallery.Subject(
        id=UUID(stored.id),
        name=stored.name,
        tags=stored.tags,
        metadata=dict(stored.metadata),
        created=stored.created,
        faces=stored.faces,
        cover=UUID(stored.cover) if stored.cover else None,
        cover_chosen=stored.cover_chosen,
        hidden=stored.hidden,
    )


def merge(made: Merge) -> gallery.Merge:
    """Two people made one."""
    return gallery.Merge(
        id=UUID(made.id),
        into=UUID(made.into),
        subject=UUID(made.subject),
        name=made.name,
        faces=made.faces,
        at=made.at,
        until=made.until,
    )


def collection(described: Described) -> gallery.Collection:
    """A gallery."""
    status = described.status
    return gallery.Collection(
        name=status.name,
        model=status.model,
        dims=status.dims,
        faces=status.faces,
        subjects=described.subjects,
        threshold=described.threshold,
        calibration=_calibration(described.similarity),
        index=cast("gallery.IndexState", status.index),
        progress=status.progress,
        indexed=status.indexed,
        recall=status.recall,
        changing_to=status.changing_to,
    )


def receipt(name: str, gone: Receipt) -> gallery.DeletedCollection:
    """What a purge has removed."""
    return gallery.DeletedCollection(
        name=name,
        faces=gone.faces,
        subjects=gone.subjects,
        pictures=gone.pictures,
        at=gone.at,
        beyond=gone.beyond,
    )


def searched(found: Searched, name: str) -> faces.SearchAnswer:
    """What a search of a collection has found."""
    return faces.SearchAnswer(
        collection=name,
        model=found.model,
        threshold=found.threshold,
        margin=found.margin,
        probes=tuple(_probe(probe, found.similarity, name) for probe in found.probes),
        notes=found.notes,
    )


def frames(found: FramesSearched, name: str) -> FramesAnswer:
    """What a search by several pictures of one person has found."""
    searched = found.searched
    (probe,) = searched.probes
    return FramesAnswer(
        collection=name,
        model=searched.model,
        threshold=searched.threshold,
        margin=searched.margin,
        probe=_probe(probe, searched.similarity, name),
        frames=tuple(
            FrameAnswer(
                face=detected(frame.detection) if frame.detection else None,
                distance=None if frame.distance is None else distance(frame.distance),
                code=frame.code,
                reason=frame.reason,
            )
            for frame in found.frames
        ),
    )


def stranger(known: Stranger) -> StrangerAnswer:
    """Somebody whom nobody has named."""
    return StrangerAnswer(
        id=UUID(known.id),
        seen=known.seen,
        first=known.first,
        last=known.last,
        until=known.until,
    )


def job(known: records.Job) -> jobs.Job:
    """How far a job is."""
    return jobs.Job(
        id=UUID(known.id),
        collection=known.collection,
        state=known.state,
        total=known.total,
        waiting=known.total - known.stored - known.present - known.refused,
        stored=known.stored,
        present=known.present,
        refused=known.refused,
        left_out=known.left_out,
        faces=known.faces,
        reason=known.reason,
        created=known.created,
        finished=known.finished,
    )


def job_result(known: records.JobItem) -> jobs.JobResult:
    """What became of one picture of a job."""
    result = known.result
    return jobs.JobResult(
        number=result.number,
        source=known.item.source,
        person=known.item.person,
        state=result.state,
        faces=tuple(UUID(face_id) for face_id in result.faces),
        code=result.code,
        reason=result.reason,
    )


def _calibration(curve: SimilarityCurve | None) -> gallery.Calibration | None:
    if curve is None:
        return None
    rates = sorted(curve.rates, key=lambda rate: rate.threshold)
    return gallery.Calibration(
        midpoint=curve.midpoint,
        steepness=curve.steepness,
        same_pairs=curve.same_pairs,
        different_pairs=curve.different_pairs,
        rates=tuple(gallery.Rate(**rate.model_dump()) for rate in rates),
    )


def _probe(probe: ProbeResult, curve: SimilarityCurve | None, name: str) -> faces.Probe:
    return faces.Probe(
        detection=described(probe.detection, probe.attributes) if probe.detection else None,
        verdict=_verdict(probe.verdict, curve, name),
        matches=tuple(_match(hit, curve, name) for hit in probe.hits),
        stranger=stranger(probe.stranger) if probe.stranger else None,
    )


def _verdict(verdict: Verdict, curve: SimilarityCurve | None, name: str) -> faces.Verdict:
    return faces.Verdict(
        answer=verdict.answer,
        best=_match(verdict.best, curve, name) if verdict.best else None,
        next=_person(verdict.next),
        margin=None if verdict.margin is None else distance(verdict.margin),
    )


def _match(hit: Hit, curve: SimilarityCurve | None, name: str) -> faces.Match:
    return faces.Match(
        face=face(hit.match.face, name),
        person=_person(hit.person),
        distance=distance(hit.match.distance),
        similarity=similarity(curve, hit.match.distance),
        faces=hit.faces,
    )


def _person(found: Person | None) -> faces.Person | None:
    return None if found is None else faces.Person(id=UUID(found.id), name=found.name)


def _pixel(value: float) -> float:
    return round(value, _PIXEL_DECIMALS)


def model(found: ListedModel) -> models.Model:
    """A model, and how often it is wrong."""
    spec = found.spec
    embedder = spec if isinstance(spec, EmbedderSpec) else None
    distances = embedder.distances if embedder else None
    return models.Model(
        name=spec.name,
        folder=found.folder,
        kind=spec.kind,
        dims=embedder.dims if embedder else None,
        licence=spec.licence,
        source=spec.source,
        trained_on=spec.trained_on,
        not_for=spec.not_for,
        threshold=distances.threshold if distances else None,
        calibration=distances.calibration if distances else None,
        measured=tuple(
            models.GroupErrors(**each.model_dump())
            for each in (distances.measured if distances else ())
        ),
        built=found.built,
        loaded=found.loaded,
        default=found.default,
        proposed=found.proposed,
    )
