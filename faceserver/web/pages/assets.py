"""Stylesheets, scripts and icons: compressed once, under addresses that change with their content.

All of them lie below ``/static/<version>/``, where the version is a hash of everything, so that
scripts can name one another by relative addresses and a browser may keep each for good. They are
half a megabyte, and stay in memory.
"""

import gzip
import mimetypes
import re
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from flask import Blueprint, Flask, Response, request, url_for
from markupsafe import Markup

from faceserver.errors import NotFound
from faceserver.web.guard.scopes import scope

_FOLDER = Path(__file__).parents[2] / "static"
_LEAST_BYTES = 500
"""What is shorter hardly becomes shorter still."""

_TYPES = {".js": "text/javascript"}
"""What a system's own table may say otherwise."""

_IMPORT = re.compile(r'^(?:import|export)\b[^;(]*"\./([\w.]+)"', re.MULTILINE)
"""Another script that one needs; all lie in the same folder."""

_FOR_GOOD = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class _Asset:
    """A file as it is sent.

    Attributes:
        content: as it is.
        packed: by gzip; None where that saves nothing.
        mimetype: what it is.
    """

    content: bytes
    packed: bytes | None
    mimetype: str


@dataclass(frozen=True)
class _Assets:
    """All files by their names below the folder, and the version of them together."""

    files: dict[str, _Asset]
    version: str


blueprint = Blueprint("assets", __name__)


@blueprint.get("/static/<version>/<path:name>")
@scope("public")
def file(version: str, name: str) -> Response:
    """Send a file; for good, if it is of the version that was asked for."""
    found = _assets().files.get(name)
    if found is None:
        raise NotFound(f"there is no file {name!r}")
    is_packed = found.packed is not None and request.accept_encodings.quality("gzip") > 0
    response = Response(found.packed if is_packed else found.content, mimetype=found.mimetype)
    if is_packed:
        response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    # A page that came from another version of the server names files that may have changed.
    response.headers["Cache-Control"] = _FOR_GOOD if version == _assets().version else "no-cache"
    response.set_etag(f"{_assets().version}{'-gzip' if is_packed else ''}")
    response.make_conditional(request)
    return response


def register(app: Flask) -> None:
    """Give templates ``asset(name)``, a file's address, and ``script(name)``, a script's tags."""
    app.context_processor(lambda: {"asset": asset, "script": script})


def asset(name: str) -> str:
    """The address of a file, by its name below the folder."""
    return url_for("assets.file", version=_assets().version, name=name)


def script(name: str) -> Markup:
    """The tags of a script: it, and all that it needs, to be fetched at once.

    Without these a browser learns only from one script which others are to be fetched.
    """
    needed = [
        Markup('<link rel="modulepreload" href="{}">').format(asset(it)) for it in _needed(name)
    ]
    itself = Markup('<script type="module" src="{}"></script>').format(asset(name))
    return Markup().join([*needed, itself])


@cache
def _needed(name: str) -> tuple[str, ...]:
    """All scripts that a script imports, directly or through others."""
    found, waiting = [name], [name]
    while waiting:
        folder, _, _ = waiting[0].rpartition("/")
        for other in _IMPORT.findall(_assets().files[waiting.pop(0)].content.decode()):
            path = f"{folder}/{other}"
            if path not in found:
                found.append(path)
                waiting.append(path)
    return tuple(found[1:])


@cache
def _assets() -> _Assets:
    files, together = {}, sha256()
    for path in sorted(_FOLDER.rglob("*")):
        if path.is_file():
            name, content = path.relative_to(_FOLDER).as_posix(), path.read_bytes()
            together.update(f"{name}\0{len(content)}\0".encode() + content)
            files[name] = _Asset(content, _packed(content), _mimetype(path))
    return _Assets(files, together.hexdigest()[:12])


def _packed(content: bytes) -> bytes | None:
    packed = gzip.compress(content, 9, mtime=0)
    return packed if len(content) >= _LEAST_BYTES and len(packed) < len(content) else None


def _mimetype(path: Path) -> str:
    return (
        _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    )
