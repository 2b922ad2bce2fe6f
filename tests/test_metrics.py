"""Figures in Prometheus' format, read back by Prometheus' own parser."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from faceserver import metrics
from faceserver.metrics import Gauge


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
