"""How the server is: model, counts, indexes, times, disk."""

from dataclasses import asdict

from flask import Response
from flask_openapi3 import APIBlueprint, Tag

from faceserver import __version__
from faceserver.api.base import MAX_LIMIT
from faceserver.api.status import Disk, Latency, Status
from faceserver.runtime import metrics
from faceserver.services.diskuse import disk_use
from faceserver.web.context import backend, services
from faceserver.web.guard.scopes import scope
from faceserver.web.v1 import shown
from faceserver.web.v1.answers import answers, reply

blueprint = APIBlueprint(
    "v1_status",
    __name__,
    url_prefix="/v1/status",
    abp_security=[{"key": []}],
    abp_tags=[Tag(name="status", description="Status of the server.")],
)


@blueprint.get("", operation_id="get_status", responses=answers(ok=Status))
@scope("read")
def status() -> Response:
    """Get the server's status: model, counts, indexes, latencies, disk."""
    use, settings = services(), backend().settings
    loss = use.collections.status().loss
    names = use.collections.names()[:MAX_LIMIT]
    return reply(
        Status(
            version=__version__,
            engine=settings.engine,
            model=use.analysis.model,
            open_jobs=use.jobs.count_open(),
            lost_changes=loss.changes,
            lost_faces=loss.faces,
            collections=tuple(map(shown.collection, use.collections.describe_some(names))),
            latency=_latency(),
            disk=Disk(**asdict(disk_use(settings.data_dir))),
        )
    )


def _latency() -> tuple[Latency, ...]:
    found = [
        Latency(
            kind=timing.kind,
            name=timing.name,
            count=timing.count,
            p50=timing.quantile(0.5),
            p95=timing.quantile(0.95),
            p99=timing.quantile(0.99),
        )
        for timing in metrics.timings()
    ]
    # "step" before "route".
    return tuple(sorted(found, key=lambda item: (item.kind == "route", -item.p50, item.name)))
