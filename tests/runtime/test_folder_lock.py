"""One process to a data folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from faceserver.errors import StoreError, StoreLocked
from faceserver.runtime.folder_lock import folder_lock

HOLDER = """
import sys
from pathlib import Path
from faceserver.runtime.folder_lock import folder_lock
with folder_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(StoreLocked, match=f"in use by process {holder.pid}:"),
            folder_lock(tmp_path),
        ):
            pass
        holder.kill()
        holder.wait()
        with folder_lock(tmp_path):
            assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_the_same_process_is_refused_too(tmp_path: Path) -> None:
    with (
        folder_lock(tmp_path),
        pytest.raises(StoreLocked, match=str(os.getpid())),
        folder_lock(tmp_path),
    ):
        pass
    with folder_lock(tmp_path):
        pass


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="missing/lock"), folder_lock(tmp_path / "missing"):
        pass
