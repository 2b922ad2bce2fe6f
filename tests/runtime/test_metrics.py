"""Figures in Prometheus' format, read back by Prometheus' own parser."""

from pathlib import Path
from threading import Thread
from typing import get_args

import pytest
from prometheus_client.parser import text_string_to_metric_families

from faceserver.runtime import metrics
from faceserver.runtime.metrics import Gauge


def value(name: str, **labels: str) -> float:
    text = metrics.render(list).decode()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return float(sample.value)
    return 0.0


def test_a_step_is_timed_although_it_fails() -> None:
    before = value("faceserver_stage_seconds_count", stage="decode")
    with metrics.stage("decode"):
        pass
    with pytest.raises(ValueError, match="broken"), metrics.stage("decode"):
        raise ValueError("broken")
    assert value("faceserver_stage_seconds_count", stage="decode") == before + 2


@pytest.mark.parametrize("stage", get_args(metrics.Stage))
def test_the_status_page_has_a_name_for_each_step(stage: str) -> None:
    page = Path(metrics.__file__).parents[1] / "static" / "js" / "statuspage.js"
    assert f'  {stage}: _("' in page.read_text(encoding="utf-8")


def test_batches_and_requests_are_counted() -> None:
    batches, faces = value("faceserver_batch_faces_count"), value("faceserver_batch_faces_sum")
    metrics.batch(7)
    assert value("faceserver_batch_faces_count") == batches + 1
    assert value("faceserver_batch_faces_sum") == faces + 7
    labels = {"method": "GET", "route": "/test/<name>", "status": "404"}
    metrics.request("GET", "/test/<name>", 404, 0.25)
    assert value("faceserver_requests_total", **labels) == 1
    assert value("faceserver_request_seconds_sum", route="/test/<name>") == 0.25


def test_figures_of_the_moment_and_of_the_process() -> None:
    gauges = [
        Gauge("faces", "Stored.", 3, {"collection": 'a "b"\n'}),
        Gauge("queue", "Waiting.", 0, {}),
        Gauge("faces", "Stored.", 5, {"collection": "c"}),
    ]
    text = metrics.render(lambda: gauges).decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert {s.labels["collection"]: s.value for s in families["faceserver_faces"].samples} == {
        'a "b"\n': 3,
        "c": 5,
    }
    assert families["faceserver_queue"].samples[0].value == 0
    assert families["process_resident_memory_bytes"].samples[0].value > 1_000_000


def test_quantiles_lie_within_their_buckets() -> None:
    timing = metrics.Timing("step", "x", ((0.1, 0), (0.2, 8), (0.4, 10), (float("inf"), 10)))
    assert timing.count == 10
    assert timing.quantile(0.5) == pytest.approx(0.1 + 0.1 * 5 / 8)
    assert timing.quantile(0.8) == pytest.approx(0.2)
    assert timing.quantile(0.9) == pytest.approx(0.3)
    assert timing.quantile(1) == pytest.approx(0.4)


def test_what_is_beyond_the_last_limit_is_told_as_that_limit() -> None:
    timing = metrics.Timing("route", "x", ((1.0, 1), (30.0, 1), (float("inf"), 10)))
    assert timing.quantile(0.99) == 30
    empty = metrics.Timing("route", "x", ((1.0, 0), (float("inf"), 0)))
    assert empty.quantile(0.5) == 0


def test_timings_have_what_was_timed() -> None:
    metrics.request("GET", "/timed", 200, 0.3)
    with metrics.stage("fetch"):
        pass
    found = {(timing.kind, timing.name): timing for timing in metrics.timings()}
    assert found["route", "/timed"].count == 1
    assert 0.25 <= found["route", "/timed"].quantile(0.5) <= 0.5
    assert found["step", "fetch"].count >= 1


def test_who_listens_hears_the_time_of_each_step_of_the_own_thread() -> None:
    with metrics.listening() as heard:
        with metrics.stage("detect"), metrics.part("age"):
            pass
        first = heard["detect"]
        with metrics.stage("detect"):
            pass
        other = Thread(target=_embed)
        other.start()
        other.join()
    _embed()
    assert set(heard) == {"detect", "age"}
    assert heard["detect"] > first > heard["age"] >= 0


def _embed() -> None:
    with metrics.stage("embed"):
        pass
