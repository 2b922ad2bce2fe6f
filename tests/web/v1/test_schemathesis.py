"""Schemathesis tries the running server's own description: all checks, nothing may fail."""

import os
import re
import subprocess
import sys
from pathlib import Path

from PIL import Image as Pillow

from tests.support.photographs import Photographs
from tests.web.v1.live import live

HERE = Path(__file__).resolve().parent
CONFIG = HERE / "schemathesis.toml"


def small_pictures(folder: Path, photographs: Photographs) -> None:
    """A face and a blank sheet, small enough to be looked at thousands of times."""
    with Pillow.open(photographs["obama.jpg"]) as picture:
        picture.crop((340, 50, 650, 460)).resize((155, 205)).save(folder / "face.jpg")
    Pillow.new("RGB", (20, 20), "white").save(folder / "blank.png")


def test_all_checks_pass(tmp_path: Path, photographs: Photographs) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    small_pictures(pictures, photographs)
    with live(tmp_path / "data", {"face.jpg": pictures / "face.jpg"}) as running:
        output = run(
            [f"{running.server.url}/v1/openapi.json", "--checks", "all"],
            tmp_path,
            FACESERVER_TEST_HOOKS=str(HERE / "schemathesis_hooks.py"),
            FACESERVER_TEST_KEY=running.key,
            FACESERVER_TEST_PICTURES=str(pictures),
            FACESERVER_TEST_SITE=running.site.url("").rstrip("/"),
        )
    assert "No issues found" in output, output
    # That it was tried at all, in all phases.
    counted = re.search(r"(\d+) generated, \1 passed", output)
    assert counted, output
    assert int(counted[1]) > 1000
    assert all(f"✅ {phase}" in output for phase in ("Coverage", "Fuzzing", "Stateful")), output


def run(arguments: list[str], folder: Path, **environment: str) -> str:
    code = "from schemathesis.cli import schemathesis; schemathesis()"
    done = subprocess.run(
        [sys.executable, "-c", code, f"--config-file={CONFIG}", "run", *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    return done.stdout + done.stderr
