"""``GET /metrics``, and the counting of requests."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from time import perf_counter

from flask import Blueprint, Flask, Response, current_app, g, request

from faceserver.errors import NotReady
from faceserver.runtime import metrics
from faceserver.runtime.metrics import Gauge
from faceserver.store.results import CollectionStatus
from faceserver.web.context import backend, services
from faceserver.web.guard.bodies import is_question
from faceserver.web.guard.scopes import scope

blueprint = Blueprint("metrics", __name__)

Source = Callable[[], Iterable[Gauge]]

_EXTENSION = "faceserver_gauges"

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Anybody can make up others; each would be a line of its own for ever."""


def register(app: Flask) -> None:
    """Count and time every request, by its route."""
    app.extensions.setdefault(_EXTENSION, [])

    @app.before_request
    def start() -> None:
        g.started = perf_counter()

    @app.after_request
    def count(response: Response) -> Response:
        if is_question():
            return response
        route = str(request.url_rule or "none")
        seconds = perf_counter() - g.get("started", perf_counter())
        method = request.method if request.method in _METHODS else "other"
        metrics.request(method, route, response.status_code, seconds)
        return response


def add_gauges(app: Flask, source: Source) -> None:
    """Show what a source tells, whenever somebody asks for the figures."""
    app.extensions.setdefault(_EXTENSION, []).append(source)


@blueprint.get("/metrics")
@scope("read", vital=True)
def show() -> Response:
    """All figures, in Prometheus' text format."""
    return Response(metrics.render(_gauges), content_type=metrics.CONTENT_TYPE)


def _gauges() -> Iterator[Gauge]:
    ready = backend().health()["status"] == "ready"
    yield Gauge("ready", "Whether the server is ready.", float(ready), {})
    with suppress(NotReady):
        status = services().collections.status()
        for collection in status.collections:
            yield from _of_collection(collection)
        lost = "Committed changes that the disk has lost."
        yield Gauge("lost_changes", lost, status.loss.changes, {})
        yield Gauge("lost_faces", "At most so many faces in them.", status.loss.faces, {})
        yield Gauge("jobs_open", "Jobs that wait or run.", services().jobs.count_open(), {})
    for source in current_app.extensions[_EXTENSION]:
        yield from source()


def _of_collection(status: CollectionStatus) -> Iterator[Gauge]:
    labels = {"collection": status.name}
    yield Gauge("faces", "Faces that are stored.", status.faces, labels)
    yield Gauge("index_faces", "Faces that the index holds.", status.indexed, labels)
    yield Gauge("index_progress", "How much of the index is built.", status.progress, labels)
    if status.ef is not None:
        yield Gauge("index_ef", "Candidates that a search looks at.", status.ef, labels)
    if status.recall is not None:
        yield Gauge("index_recall", "How often the index finds the nearest.", status.recall, labels)
