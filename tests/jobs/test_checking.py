"""What a check finds wrong with jobs, and what a repair does about it."""

import os
from contextlib import closing
from pathlib import Path
from typing import Literal

import pytest

from faceserver.errors import StoreCorrupt
from faceserver.jobs.checking import check_jobs
from faceserver.jobs.purging import purge_jobs
from faceserver.jobs.records import Job, NewItem, Request
from faceserver.jobs.sources import ZipFolder
from faceserver.jobs.table import JobTable


def ordered(folder: Path, kind: Literal["urls", "zip"] = "zip") -> Job:
    with closing(JobTable(folder)) as table:
        request = Request("default", kind, largest=False, fingerprint="")
        job, _ = table.add(request, [NewItem("a.jpg")])
    return job


def zip_of(folder: Path, job_id: str) -> Path:
    return ZipFolder(folder / "jobs", max_bytes=0).path(job_id)


def test_nothing_is_wrong_with_no_jobs_and_with_good_ones(tmp_path: Path) -> None:
    assert check_jobs(tmp_path / "nothing") == []
    assert check_jobs(tmp_path) == []
    zip_of(tmp_path, ordered(tmp_path).id).touch()
    ordered(tmp_path, "urls")
    assert check_jobs(tmp_path) == []


def test_jobs_without_zips_and_zips_without_jobs(tmp_path: Path) -> None:
    job = ordered(tmp_path)
    stray = zip_of(tmp_path, "0" * 32)
    stray.touch()
    found = check_jobs(tmp_path)
    assert len(found) == 2
    assert not any(finding.mended for finding in found)
    assert stray.exists()
    assert all(finding.mended for finding in check_jobs(tmp_path, repair=True))
    assert not stray.exists()
    with closing(JobTable(tmp_path)) as table:
        assert table.get("default", job.id).state == "failed"
    assert check_jobs(tmp_path) == []


@pytest.mark.parametrize("spoilt", ["cut", "overwritten", "no database"])
def test_a_damaged_file_names_the_command_that_sets_it_aside(tmp_path: Path, spoilt: str) -> None:
    for _ in range(40):
        ordered(tmp_path, "urls")
    path = tmp_path / "jobs.sqlite"
    if spoilt == "cut":
        os.truncate(path, path.stat().st_size // 2)
    elif spoilt == "overwritten":
        path.write_bytes(path.read_bytes()[:9000] + bytes(path.stat().st_size - 9000))
    else:
        path.write_bytes(b"no database" * 1000)
    with pytest.raises(StoreCorrupt, match="faceserver check --repair"):
        JobTable(tmp_path)
    (finding,) = check_jobs(tmp_path)
    assert "jobs.sqlite" in finding.what
    assert not finding.mended
    (finding,) = check_jobs(tmp_path, repair=True)
    assert "hand in again" in finding.mended
    ordered(tmp_path, "urls")
    assert check_jobs(tmp_path) == []
    assert list(tmp_path.glob("*.damaged-*"))
    purge_jobs(tmp_path, "default")
    assert not list(tmp_path.glob("*.damaged-*"))


def test_an_empty_file_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "jobs.sqlite").touch()
    assert check_jobs(tmp_path) == []
    ordered(tmp_path, "urls")
