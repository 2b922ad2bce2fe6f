"""axe-core, which finds what keeps people from using a page: fetched from npm, pinned, once."""

import base64
import hashlib
import io
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

VERSION = "4.14.1"
SHA512 = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="

_CACHE = Path(__file__).resolve().parents[2] / ".cache" / "axe"


class AxeMissing(Exception):
    """axe-core cannot be had."""


def axe_source() -> str:
    """The script.

    Raises:
        AxeMissing: npm is not there or cannot fetch it, or what came is another file.
    """
    archive = _CACHE / f"axe-core-{VERSION}.tgz"
    if not archive.is_file():
        _fetch()
    content = archive.read_bytes()
    if hashlib.sha512(content).digest() != base64.b64decode(SHA512):
        raise AxeMissing(f"{archive} is not the file that is pinned: delete it")
    with tarfile.open(fileobj=io.BytesIO(content)) as files:
        script = files.extractfile("package/axe.min.js")
        assert script
        return script.read().decode()


def _fetch() -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise AxeMissing("npm is not installed")
    _CACHE.mkdir(parents=True, exist_ok=True)
    command = [npm, "pack", f"axe-core@{VERSION}", "--pack-destination", str(_CACHE)]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=120)
    except (subprocess.SubprocessError, OSError) as error:
        raise AxeMissing(f"npm cannot fetch axe-core: {error}") from error


def issues(page: Page, source: str) -> list[str]:
    """What axe finds on a page as it stands, however small, each with the elements at fault."""
    page.evaluate(source)
    found: dict[str, Any] = page.evaluate("axe.run()")
    return [
        f"{issue['id']} ({issue['impact']}): {issue['help']}: "
        + "; ".join(node["html"] for node in issue["nodes"])
        for issue in found["violations"]
    ]
