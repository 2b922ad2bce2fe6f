import os
from pathlib import Path

import pytest

from faceserver.runtime.threads import (
    ThreadPlan,
    limit_libraries,
    pictures_at_once,
    plan,
    processors,
)

MANY = 64


@pytest.fixture(autouse=True)
def many_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(MANY)))


def found(root: Path, own: str, files: dict[str, str]) -> int:
    for name, content in files.items():
        path = root / "fs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (root / "own").write_text(own)
    return processors(root / "fs", root / "own")


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        ("0::/\n", {"cpu.max": "max 100000\n"}, MANY),
        ("0::/\n", {"cpu.max": "200000 100000\n"}, 2),
        ("0::/a/b\n", {"cpu.max": "600000 100000\n", "a/cpu.max": "150000 100000\n"}, 2),
        ("0::/a/b\n", {"a/b/cpu.max": "50000 100000\n", "a/cpu.max": "max 100000"}, 1),
        ("0::/of/the/host\n", {"cpu.max": "300000 100000\n"}, 3),
        (
            "4:memory:/m\n3:cpu,cpuacct:/x\n0::/\n",
            {"cpu/x/cpu.cfs_quota_us": "400000\n", "cpu/x/cpu.cfs_period_us": "100000\n"},
            4,
        ),
        (
            "3:cpu:/x\n",
            {"cpu/x/cpu.cfs_quota_us": "-1\n", "cpu/x/cpu.cfs_period_us": "100000\n"},
            MANY,
        ),
        ("3:cpuset:/x\n", {"cpu.max": "100000 100000\n"}, MANY),
        ("", {}, MANY),
        ("0::/\n", {"cpu.max": ""}, MANY),
    ],
)
def test_quotas_of_cgroups_count(
    tmp_path: Path, own: str, files: dict[str, str], expected: int
) -> None:
    assert found(tmp_path, own, files) == expected


def test_affinity_counts_where_there_are_no_cgroups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 7})
    assert processors(tmp_path, tmp_path / "none") == 3


@pytest.mark.parametrize(
    ("engine", "threads", "workers", "expected"),
    [
        ("openvino", 2, 8, ThreadPlan(networks=2, pictures=3, helpers=1, workers=8, opencv=1)),
        ("caffe", 2, 8, ThreadPlan(networks=2, pictures=3, helpers=1, workers=8, opencv=1)),
        ("opencv", 3, 1, ThreadPlan(networks=3, pictures=4, helpers=2, workers=1, opencv=3)),
    ],
)
def test_libraries_compute_in_the_requests_thread_unless_they_are_the_runtime(
    engine: str, threads: int, workers: int, expected: ThreadPlan
) -> None:
    assert plan(engine=engine, threads=threads, workers=workers) == expected


def test_without_settings_the_processors_are_shared_out() -> None:
    count = processors()
    assert plan(engine="openvino") == ThreadPlan(
        networks=count, pictures=count + 1, helpers=count - 1, workers=4 * count, opencv=1
    )


def test_an_import_has_a_picture_that_computes_and_one_that_waits_a_processor() -> None:
    assert pictures_at_once() == 2 * processors()


def test_libraries_are_told_unless_the_user_has_done_it() -> None:
    environment = {"OMP_NUM_THREADS": "7"}
    limit_libraries(ThreadPlan(networks=2, pictures=3, helpers=1, workers=8, opencv=1), environment)
    assert environment == {
        "OMP_NUM_THREADS": "7",
        "OPENBLAS_NUM_THREADS": "1",
        "OPENCV_FOR_THREADS_NUM": "1",
    }
