"""What is counted and timed, in Prometheus' terms.

Whoever does a step says so here, and knows nothing of who asks:

    with metrics.stage("decode"):
        ...

The figures belong to the process, as Prometheus has it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from time import perf_counter
from typing import Literal, get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

Stage = Literal["wait", "decode", "detect", "embed", "attributes", "search", "fetch", "store"]
"""The steps whose time is taken."""

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)

disable_created_metrics()  # type: ignore[no-untyped-call] # a time of birth beside each figure, which nobody asks for
REGISTRY = CollectorRegistry()
_requests = Counter(
    "faceserver_requests_total",
    "Requests by method, route and status.",
    ["method", "route", "status"],
    registry=REGISTRY,
)
_request_seconds = Histogram(
    "faceserver_request_seconds",
    "How long requests take, by route.",
    ["route"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
_stages = Histogram(
    "faceserver_stage_seconds",
    "How long each step of the work takes.",
    ["stage"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
_batches = Histogram(
    "faceserver_batch_faces",
    "Faces that go through the embedder at once.",
    buckets=_SIZES,
    registry=REGISTRY,
)
_swept = Counter(
    "faceserver_swept_files_total",
    "Files that crashes had left and that were removed, by kind.",
    ["kind"],
    registry=REGISTRY,
)
for _collector in (ProcessCollector, PlatformCollector, GCCollector):
    _collector(registry=REGISTRY)  # memory, processor time, open files, version of Python


_listening: ContextVar[dict[str, float] | None] = ContextVar("listening", default=None)


@contextmanager
def stage(name: Stage) -> Iterator[None]:
    """Take the time of a step, whether it succeeds or raises."""
    started = perf_counter()
    try:
        yield
    finally:
        seconds = perf_counter() - started
        _stages.labels(name).observe(seconds)
        heard = _listening.get()
        if heard is not None:
            heard[name] = heard.get(name, 0.0) + seconds


def told(seconds: Mapping[str, float]) -> None:
    """Note the seconds of steps that another process has done for this thread."""
    heard = _listening.get()
    for name, spent in seconds.items():
        if name in get_args(Stage):
            _stages.labels(name).observe(spent)
        if heard is not None:
            heard[name] = heard.get(name, 0.0) + spent


@contextmanager
def part(name: str) -> Iterator[None]:
    """Take the time of a part of a step, for who listens alone."""
    heard = _listening.get()
    started = perf_counter()
    try:
        yield
    finally:
        if heard is not None:
            heard[name] = heard.get(name, 0.0) + perf_counter() - started


@contextmanager
def listening() -> Iterator[Mapping[str, float]]:
    """Lend the block the seconds that each step takes in it, in this thread, as they add up."""
    heard: dict[str, float] = {}
    token = _listening.set(heard)
    try:
        yield heard
    finally:
        _listening.reset(token)


def batch(faces: int) -> None:
    """Note how many faces go through the embedder at once."""
    _batches.observe(faces)


def swept(kind: Literal["picture", "temporary"], files: int) -> None:
    """Note files that a crash had left and that were removed.

    Args:
        kind: a picture that no face showed, or what was being written.
        files: how many.
    """
    _swept.labels(kind).inc(files)


def request(method: str, route: str, status: int, seconds: float) -> None:
    """Note a request that was answered.

    Args:
        method: of HTTP.
        route: the rule, not the path, which anybody can make as many of as they like.
        status: of the answer.
        seconds: that it took.
    """
    _requests.labels(method, route, status).inc()
    _request_seconds.labels(route).observe(seconds)


@dataclass(frozen=True)
class Gauge:
    """A figure of the moment.

    Attributes:
        name: without the prefix ``faceserver_``.
        help: what it says.
        value: the figure.
        labels: what it is of.
    """

    name: str
    help: str
    value: float
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Timing:
    """How long something took, since the process began.

    Attributes:
        kind: a step of the work, or a whole request.
        name: the step, or the request's route.
        buckets: rising limits in seconds, the last of them infinite, each with how many took no
            longer.
    """

    kind: Literal["step", "route"]
    name: str
    buckets: tuple[tuple[float, int], ...]

    @property
    def count(self) -> int:
        """How many were timed."""
        return self.buckets[-1][1]

    def quantile(self, share: float) -> float:
        """The seconds that this share of them did not exceed, 0 without any.

        Within a bucket they are taken to lie evenly, as Prometheus' ``histogram_quantile`` does;
        beyond the last finite limit it is that limit.
        """
        rank = share * self.count
        below, lower = 0, 0.0
        for limit, upto in self.buckets:
            if upto >= rank and upto > below:
                if limit == float("inf"):
                    return lower
                return lower + (limit - lower) * (rank - below) / (upto - below)
            below, lower = upto, min(limit, _SECONDS[-1])
        return 0.0


def timings() -> list[Timing]:
    """How long each step of the work and each route took."""
    return [*_timings("step", _stages, "stage"), *_timings("route", _request_seconds, "route")]


def _timings(kind: Literal["step", "route"], histogram: Histogram, label: str) -> Iterator[Timing]:
    buckets: dict[str, list[tuple[float, int]]] = {}
    for metric in histogram.collect():
        for sample in metric.samples:
            if sample.name.endswith("_bucket"):
                limit = (float(sample.labels["le"]), int(sample.value))
                buckets.setdefault(sample.labels[label], []).append(limit)
    for name, counted in buckets.items():
        yield Timing(kind, name, tuple(counted))


def render(gauges: Callable[[], Iterable[Gauge]]) -> bytes:
    """All figures in Prometheus' text format, those of the moment asked for now."""
    return generate_latest(REGISTRY) + generate_latest(_Moment(gauges()))


class _Moment(Collector):
    def __init__(self, gauges: Iterable[Gauge]) -> None:
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        families: dict[str, GaugeMetricFamily] = {}
        for gauge in self._gauges:
            name = f"faceserver_{gauge.name}"
            if name not in families:
                families[name] = GaugeMetricFamily(name, gauge.help, labels=list(gauge.labels))
            families[name].add_metric(list(gauge.labels.values()), gauge.value)
        yield from families.values()
