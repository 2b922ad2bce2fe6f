"""The settings, read from the environment: each is set as ``FACESERVER_<NAME>``."""

import logging
import os

from pydantic import ValidationError

from faceserver.config.settings import Settings
from faceserver.errors import InvalidSetting

__all__ = ["Settings", "load_settings"]

_log = logging.getLogger(__name__)

_STILL_WORKS = "FACESERVER_%s is deprecated; use FACESERVER_%s instead"

_FORMER_OPTIONS = (
    "min_face",
    "pnet_threshold",
    "rnet_threshold",
    "onet_threshold",
    "pyramid_factor",
)
"""Options of MTCNN that were settings of their own before version 0.2.0, and go on working."""

_FORMER_NAMES = {"embedder_model": "model", "detector_model": "detector"}
"""Settings that had other names before version 0.2.0, which go on working."""


def load_settings(**overrides: object) -> Settings:
    """Read the settings from the environment; overrides that are not None win.

    Raises:
        InvalidSetting: one has a value that it cannot have; the message names each.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    given = {**_by_former_names(), **given}
    try:
        return _with_former_options(Settings(**given))  # type: ignore[arg-type]
    except ValidationError as error:
        problems = "; ".join(
            f"FACESERVER_{'.'.join(map(str, problem['loc'])).upper()}: {problem['msg']}"
            for problem in error.errors()
        )
        raise InvalidSetting(problems) from error


def _by_former_names() -> dict[str, str]:
    """Settings that are given by a former name, unless they are given by the present one, too."""
    found = {}
    for former, name in _FORMER_NAMES.items():
        value = os.environ.get(f"FACESERVER_{former.upper()}")
        if value and f"FACESERVER_{name.upper()}" not in os.environ:
            found[name] = value
            _log.warning(_STILL_WORKS, former.upper(), f"{name.upper()}={value}")
    return found


def _with_former_options(settings: Settings) -> Settings:
    """Take options of the detector from where they stood before, unless they stand in both."""
    former = {name: os.environ.get(f"FACESERVER_{name.upper()}", "") for name in _FORMER_OPTIONS}
    former = {name: value for name, value in former.items() if value}
    if not former:
        return settings
    for name, value in former.items():
        _log.warning(_STILL_WORKS, name.upper(), f"DETECTOR_OPTIONS={name}={value}")
    return settings.model_copy(update={"detector_options": {**former, **settings.detector_options}})
