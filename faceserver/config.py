"""The settings: each has a default and a help text, and is set as ``FACESERVER_<NAME>``."""

import logging
import os
import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from faceserver import folders
from faceserver.errors import InvalidSetting

_log = logging.getLogger(__name__)

_MEGABYTE = 1_000_000

_MOST_PROXIES = 32

_STILL_WORKS = "FACESERVER_%s still works; it is FACESERVER_%s from now on"

_ORIGIN = re.compile(r"https?://[a-z0-9.\[\]:-]+")
"""As browsers send it: scheme, host and port in lower case, no path."""


class Settings(BaseSettings):
    """What can be set. Names are in lower case here, in upper case with the prefix outside."""

    model_config = SettingsConfigDict(
        env_prefix="FACESERVER_", frozen=True, extra="forbid", allow_inf_nan=False
    )

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    workers: int = Field(
        0,
        ge=0,
        le=256,
        description="Requests served at the same time; more wait in line. 0 takes four a processor "
        "that the process may use.",
    )
    max_waiting: int = Field(
        100,
        ge=1,
        description="Requests that wait in line for a worker; what comes then is told to come "
        "back later.",
    )
    max_connections: int = Field(
        500, ge=10, le=10_000, description="Open connections; idle ones are closed for new ones."
    )
    max_address_connections: int = Field(
        100,
        ge=0,
        description="Open connections of one address, or of one IPv6 network of 64 bits; this "
        "machine and proxies have no such limit. 0 sets none.",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Reverse proxies whose X-Forwarded-For, -Proto, -Host and -Prefix are "
        "believed: addresses or networks, comma-separated, such as 10.0.0.2 or 10.0.0.0/24; or a "
        "number, if every request comes through so many.",
    )
    no_auth: bool = Field(
        False,
        description="Listen beyond loopback although no key is made; a key that is made is asked "
        "for in any case.",
    )
    data_dir: Path = Field(
        folders.DATA, description="Folder of the faces, the index and the pictures."
    )
    models_dir: Path = Field(folders.MODELS, description="Folder of the models.")
    cache_dir: Path = Field(folders.COMPILED, description="Folder of the compiled networks.")
    engine: Literal["openvino", "opencv", "caffe"] = Field(
        "openvino", description="Inference runtime: openvino, opencv or caffe."
    )
    precision: Literal["auto", "f32"] = Field(
        "auto", description="auto computes in bfloat16 where the processor has it; f32 never does."
    )
    threads: int = Field(
        0,
        ge=0,
        description="Processors that networks compute on; one more picture than these is worked on "
        "at the same time. 0 takes what the process may use.",
    )
    batch_wait: float = Field(
        0.002,
        ge=0,
        le=1,
        description="Seconds that faces of several requests may wait to be embedded together; a "
        "request that is alone never waits.",
    )
    detector: str = Field(
        "mtcnn",
        description="Detection model: its folder inside the models' folder, such as mtcnn or "
        "yunet.",
    )
    model: str = Field(
        "inception_resnet/20180408-102900",
        description="Embedding model of new collections: its folder inside the models' folder, "
        "such as sface.",
    )
    change_model: bool = Field(
        False,
        description="Change a gallery of another model to this one while the server runs; "
        "otherwise such a gallery is refused.",
    )
    detector_options: Annotated[dict[str, str], NoDecode] = Field(
        default_factory=dict,
        description="What the detection model is told instead of the options in its model.toml, "
        "comma-separated, such as min_face=60,onet_threshold=0.7.",
    )
    model_memory: int = Field(
        1000,
        ge=0,
        description="Megabytes of weights that are held at the same time where collections are of "
        "several models; the one that was not used for the longest time leaves first. 0: no limit.",
    )
    shared_pixels: int = Field(
        2_000_000,
        ge=0,
        description="With openvino, pictures with at least so many pixels are searched by all "
        "processors together, smaller ones by one each, which serves more clients; 0 serves a "
        "single client faster.",
    )
    distance_threshold: float | None = Field(
        None,
        gt=0,
        le=4,
        description="Matches lie below this squared L2 distance; unset takes the model's own.",
    )
    ambiguity_margin: float = Field(
        0.05,
        ge=0,
        le=4,
        description="Two people whose squared L2 distances from a face differ by less are "
        "ambiguous.",
    )
    max_matches: int = Field(
        100, ge=1, le=10_000, description="Most matches that one search answers."
    )
    keep_pictures: Literal["originals", "crops", "nothing"] = Field(
        "originals",
        description="What is kept of pictures: originals, crops (the aligned faces alone), or "
        "nothing.",
    )
    max_file_bytes: int = Field(60 * _MEGABYTE, ge=1, description="Largest picture, in bytes.")
    max_pixels: int = Field(
        120 * _MEGABYTE,
        ge=1,
        le=178_956_970,  # Pillow's own ceiling
        description="Largest picture, in pixels, checked before decoding.",
    )
    max_faces: int = Field(200, ge=1, description="Most faces in one picture.")
    max_files: int = Field(100, ge=1, description="Most pictures in one upload.")
    max_urls: int = Field(100, ge=1, description="Most URLs in one batch.")
    max_job_items: int = Field(10_000, ge=1, le=10_000, description="Most pictures of one job.")
    max_request_bytes: int = Field(
        200 * _MEGABYTE, ge=1, description="Largest request of all pictures together, in bytes."
    )
    max_bodies_bytes: int = Field(
        1000 * _MEGABYTE,
        ge=1,
        description="Bytes of all requests together that have come in and wait for their answer; "
        "never less than one request may have.",
    )
    requests_per_minute: int = Field(
        3000,
        ge=0,
        description="Most requests in a minute with one key, or from one address without a key; "
        "0 sets no limit.",
    )
    request_timeout: float = Field(
        300.0, gt=0, description="Seconds that the work for one request may take."
    )
    upload_timeout: float = Field(
        300.0, gt=0, description="Seconds in which a request must have come in completely."
    )
    drain_timeout: float = Field(
        30.0, ge=0, description="Seconds that requests under way may go on when the server stops."
    )
    url_timeout: float = Field(
        15.0, gt=0, description="Seconds that a URL may take, redirects and download included."
    )
    max_fetches: int = Field(
        32,
        ge=1,
        le=256,
        description="URLs that requests may wait for at the same time; further requests with URLs "
        "are told to come back later.",
    )
    url_allow_networks: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Private networks that URLs may point into, comma-separated, such as "
        "192.168.7.0/24; none by default.",
    )

    session_minutes: int = Field(
        720, ge=1, description="Minutes after which a browser has to sign in again."
    )
    secure_cookies: bool = Field(
        False,
        description="Send the session cookie over HTTPS alone; for a server behind TLS.",
    )
    host_names: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Further names that a server on loopback may be called by, comma-separated, "
        "such as faces.example; for one behind a proxy.",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Sites whose pages may call the server, comma-separated, such as "
        "https://example.org; none by default.",
    )
    compat: Annotated[tuple[str, ...], NoDecode] = Field(
        ("original",),
        description="Protocols of other programs that are served at the root, comma-separated; all "
        "are served below /as/NAME/.",
    )
    audit_log: Path | None = Field(
        None, description="File of the audit log; unset puts audit.jsonl into the data folder."
    )
    audit_max_bytes: int = Field(
        10 * _MEGABYTE, ge=0, description="Size at which the audit log is put aside; 0: never."
    )
    audit_files: int = Field(10, ge=1, description="Audit logs that were put aside and are kept.")
    log_format: Literal["text", "json"] = Field(
        "text", description="Form of the log: text or json."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="What the log holds: debug, info, warning or error, and what is above."
    )

    @field_validator(
        "url_allow_networks",
        "cors_origins",
        "host_names",
        "trusted_proxies",
        "compat",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("detector_options", mode="before")
    @classmethod
    def _options(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = [part.partition("=") for part in value.split(",") if part.strip()]
        if not all(name.strip() and sign for name, sign, _ in pairs):
            raise ValueError("not of the form name=value,name=value")
        return {name.strip(): text.strip() for name, _, text in pairs}

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin!r} is no origin such as https://example.org")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(value) == 1 and value[0].isdecimal():
            if int(value[0]) > _MOST_PROXIES:
                raise ValueError(f"more than {_MOST_PROXIES} proxies in a row")
            return value if int(value[0]) else ()
        return cls._networks(value)

    @field_validator("url_allow_networks")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ip_network(network)
        return value


_FORMER_OPTIONS = (
    "min_face",
    "pnet_threshold",
    "rnet_threshold",
    "onet_threshold",
    "pyramid_factor",
)
"""Options of MTCNN that were settings of their own before version 0.2, and go on working."""

_FORMER_NAMES = {"embedder_model": "model", "detector_model": "detector"}
"""Settings that had other names before version 0.2, which go on working."""


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
