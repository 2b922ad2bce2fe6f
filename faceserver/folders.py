"""Where things lie unless a setting says otherwise: in a checkout, or in the user's own folders.

A checkout keeps everything in itself: ``models/``, ``faceSearchData/``, ``.cache/``. An installed
package lies among others and is often read-only, so what it makes goes where the system keeps a
user's data and caches, such as ``~/.local/share/faceserver`` and ``~/.cache/faceserver`` on Linux.
"""

from pathlib import Path

from platformdirs import PlatformDirs

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parent if (_PACKAGE.parent / "pyproject.toml").is_file() else None
_USER = PlatformDirs("faceserver", appauthor=False)
_USER_DATA = _CHECKOUT or _USER.user_data_path
_CACHE = _CHECKOUT / ".cache" if _CHECKOUT else _USER.user_cache_path

DATA = _USER_DATA / "faceSearchData"
"""The faces, the index and the pictures."""

MODELS = _USER_DATA / "models"
"""The models, built."""

COMPILED = _CACHE / "compiled"
"""The compiled networks."""

SOURCES = _CACHE / "sources"
"""The packages that weights come from."""

DESCRIPTIONS = _CHECKOUT / "models" if _CHECKOUT else _PACKAGE / "shipped" / "models"
"""The models' descriptions as they come with this version."""

REQUIREMENTS = _CHECKOUT / "requirements" if _CHECKOUT else _PACKAGE / "shipped" / "requirements"
"""The files that pin the packages that weights come from."""
