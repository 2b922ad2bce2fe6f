"""The settings: each has a default and a help text, and is set as ``FACESERVER_<NAME>``."""

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from faceserver import folders

_MEGABYTE = 1_000_000

_MOST_PROXIES = 32

_DATABASES = ("postgresql://", "postgres://")

_ORIGIN = re.compile(r"https?://[a-z0-9.\[\]:-]+")
"""As browsers send it: scheme, host and port in lower case, no path."""

_UPSTREAM = r"^https?://[^\s/@?#]+[^\s@?#]*$"
"""Of a server, by its root: no credentials, no query."""
_URL = r"^https?://[a-zA-Z0-9.\[\]:-]+(/[^?#\s]*)?$"


class Settings(BaseSettings):
    """What can be set. Names are in lower case here, in upper case with the prefix outside."""

    model_config = SettingsConfigDict(
        env_prefix="FACESERVER_", frozen=True, extra="forbid", allow_inf_nan=False
    )

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 picks a free port.")
    workers: int = Field(
        0,
        ge=0,
        le=256,
        description="Number of requests served at the same time; further requests are queued. 0 "
        "means four per available processor.",
    )
    max_waiting: int = Field(
        100,
        ge=1,
        description="Maximum number of requests queued for a worker; further requests are "
        "answered with 503 and Retry-After.",
    )
    max_connections: int = Field(
        500,
        ge=10,
        le=10_000,
        description="Maximum number of open connections; idle ones are closed to make room for "
        "new ones.",
    )
    max_address_connections: int = Field(
        100,
        ge=0,
        description="Maximum number of open connections from one address (for IPv6, one /64 "
        "network). Does not apply to this machine or to proxies. 0 means no limit.",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Reverse proxies whose X-Forwarded-For, -Proto, -Host and -Prefix headers are "
        "trusted: addresses or networks, comma-separated, such as 10.0.0.2 or 10.0.0.0/24; or a "
        "number, if every request passes through that many.",
    )
    no_auth: bool = Field(
        False,
        description="Allow listening on a non-loopback address without any API key. Once a key "
        "exists, it is required regardless.",
    )
    data_dir: Path = Field(
        folders.DATA, description="Folder that holds the faces, the index and the pictures."
    )
    store: SecretStr = Field(
        SecretStr(""),
        description="Address of a PostgreSQL database with pgvector that holds the gallery instead "
        "of the data folder, such as postgresql://user:password@host/database; several servers "
        "can share it.",
    )
    store_connections: int = Field(
        20, ge=2, le=1000, description="Maximum number of connections to that database."
    )
    read_store: SecretStr = Field(
        SecretStr(""),
        description="Address of a streaming replica of that database, which answers searches and "
        "lists as long as it has everything that this server has written; otherwise the primary "
        "answers.",
    )
    role: Literal["all", "web", "worker"] = Field(
        "all",
        description="What this server does: web answers requests and leaves jobs to others, worker "
        "runs jobs and answers /health and /metrics only, all does both. web and worker need "
        "FACESERVER_STORE.",
    )
    models_dir: Path = Field(folders.MODELS, description="Folder that holds the models.")
    cache_dir: Path = Field(
        folders.COMPILED, description="Folder that holds the compiled networks."
    )
    engine: str = Field(
        "openvino",
        description="Inference runtime: openvino, onnxruntime, opencv, caffe, or oip for an "
        "inference server.",
    )
    provider: Literal["auto", "cpu", "cuda", "directml", "coreml"] = Field(
        "auto",
        description="Execution provider of ONNX Runtime (onnxruntime only). auto uses the first of "
        "cuda, directml, coreml and cpu that the installed package includes.",
    )
    oip_url: str | None = Field(
        None,
        description="Address of the inference server, such as grpc://10.0.0.6:8001 or "
        "http://10.0.0.6:8000 (oip only).",
    )
    oip_timeout: float = Field(
        10.0,
        gt=0,
        description="Maximum time in seconds for one call of the inference server (oip only).",
    )
    precision: Literal["auto", "f32"] = Field(
        "auto",
        description="auto computes in bfloat16 where the processor supports it; f32 always "
        "computes in 32-bit floating point.",
    )
    threads: int = Field(
        0,
        ge=0,
        description="Number of processors used for inference; one more picture than that is "
        "processed at the same time. 0 means all available processors.",
    )
    batch_wait: float = Field(
        0.002,
        ge=0,
        le=1,
        description="Maximum time in seconds that faces wait to be embedded in one batch with "
        "those of other requests. A request that runs alone never waits.",
    )
    detector: str = Field(
        "mtcnn",
        description="Detection model, as the name of its folder inside the models folder, such as "
        "mtcnn or yunet.",
    )
    model: str = Field(
        "inception_resnet/20180408-102900",
        description="Embedding model for new collections, as the name of its folder inside the "
        "models folder, such as sface.",
    )
    change_model: bool = Field(
        False,
        description="Migrate a gallery of another model to the configured one while the server "
        "runs; if false, such a gallery is refused.",
    )
    detector_options: Annotated[dict[str, str], NoDecode] = Field(
        default_factory=dict,
        description="Overrides for the options in the detection model's model.toml, comma-"
        "separated, such as min_face=60,onet_threshold=0.7.",
    )
    model_memory: int = Field(
        1000,
        ge=0,
        description="Memory limit in megabytes for the weights of loaded models where collections "
        "use several; the least recently used model is unloaded first. 0 means no "
        "limit.",
    )
    shared_pixels: int = Field(
        2_000_000,
        ge=0,
        description="Number of pixels from which a picture is processed by all processors "
        "together (openvino only); smaller pictures use one each, which gives more "
        "throughput. 0 gives a single client lower latency.",
    )
    distance_threshold: float | None = Field(
        None,
        gt=0,
        le=4,
        description="Maximum squared L2 distance of a match, exclusive. Defaults to the model's "
        "own threshold.",
    )
    ambiguity_margin: float = Field(
        0.05,
        ge=0,
        le=4,
        description="Two people whose squared L2 distances from a probe differ by less than this "
        "are ambiguous.",
    )
    remember_days: float = Field(
        30.0,
        ge=0,
        le=36_500,
        description="Time in days after which a stranger who was remembered and not seen again is "
        "forgotten. 0 means never.",
    )
    attributes: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Attributes stored with every face that is registered, comma-separated, such "
        "as age,gender,quality; in addition to those that a request asks for. None by default.",
    )
    max_matches: int = Field(
        100, ge=1, le=10_000, description="Maximum number of matches returned by one search."
    )
    keep_pictures: Literal["originals", "crops", "nothing"] = Field(
        "originals",
        description="What to keep of pictures: originals, crops (only the aligned faces) or "
        "nothing.",
    )
    pictures: str | None = Field(
        None,
        pattern=r"^[a-z][a-z0-9+.-]*://[a-zA-Z0-9]([a-zA-Z0-9._-]*[a-zA-Z0-9])?(/[^?#]*)?$",
        description="Where pictures are kept: s3://BUCKET/PREFIX. Unset, they are in the data "
        "folder.",
    )
    s3_endpoint: str | None = Field(
        None,
        pattern=_URL,
        description="Address of the S3 server, such as http://10.0.0.5:8333. Defaults to AWS.",
    )
    s3_region: str | None = Field(
        None, description="Region of the bucket. Defaults to what AWS's own settings say."
    )
    s3_public_endpoint: str | None = Field(
        None,
        pattern=_URL,
        description="Address at which browsers and clients reach the S3 server. If set, they are "
        "redirected there for pictures, with a URL that is valid for a minute; if unset, the "
        "server sends pictures itself.",
    )
    max_file_bytes: int = Field(
        60 * _MEGABYTE, ge=1, description="Maximum size of a picture file in bytes."
    )
    max_pixels: int = Field(
        120 * _MEGABYTE,
        ge=1,
        le=178_956_970,  # Pillow's own ceiling
        description="Maximum number of pixels in a picture, checked before it is decoded.",
    )
    max_faces: int = Field(200, ge=1, description="Maximum number of faces in one picture.")
    max_files: int = Field(100, ge=1, description="Maximum number of pictures in one upload.")
    max_urls: int = Field(100, ge=1, description="Maximum number of URLs in one batch.")
    max_job_items: int = Field(
        10_000, ge=1, le=10_000, description="Maximum number of pictures in one job."
    )
    max_request_bytes: int = Field(
        200 * _MEGABYTE,
        ge=1,
        description="Maximum size of a request in bytes, all pictures included.",
    )
    max_bodies_bytes: int = Field(
        1000 * _MEGABYTE,
        ge=1,
        description="Maximum total size in bytes of all request bodies being processed; at least "
        "the size of one request.",
    )
    requests_per_minute: int = Field(
        3000,
        ge=0,
        description="Maximum number of requests per minute for one key, or for one address "
        "without a key. 0 means no limit.",
    )
    request_timeout: float = Field(
        300.0, gt=0, description="Maximum time in seconds to process one request."
    )
    upload_timeout: float = Field(
        300.0, gt=0, description="Maximum time in seconds to receive one request completely."
    )
    drain_timeout: float = Field(
        30.0,
        ge=0,
        description="Maximum time in seconds to finish requests in progress when the server stops.",
    )
    url_timeout: float = Field(
        15.0,
        gt=0,
        description="Maximum time in seconds to fetch a URL, including redirects and download.",
    )
    max_fetches: int = Field(
        32,
        ge=1,
        le=256,
        description="Maximum number of URLs fetched for requests at the same time; further "
        "requests with URLs are answered with 503 and Retry-After.",
    )
    url_allow_networks: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Private networks that URLs may point to, comma-separated, such as "
        "192.168.7.0/24. None by default.",
    )

    session_minutes: int = Field(
        720,
        ge=1,
        description="Lifetime of a browser session in minutes; after that, the user signs in "
        "again.",
    )
    secure_cookies: bool = Field(
        False,
        description="Send the session cookie over HTTPS only. Enable this behind TLS.",
    )
    host_names: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Additional host names accepted by a server on loopback, comma-separated, "
        "such as faces.example. Needed behind a proxy.",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Origins whose pages may call the server (CORS), comma-separated, such as "
        "https://example.org. None by default.",
    )
    compat: Annotated[tuple[str, ...], NoDecode] = Field(
        ("original", "compreface", "core", "compare", "face-id", "deepstack", "rekognition"),
        description="Protocols of other programs served at the root, comma-separated. All are "
        "served below /as/NAME/.",
    )
    compat_listen: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Additional addresses for clients without keys, comma-separated: "
        "HOST:PORT=PROTOCOL?collection=NAME&scope=SCOPE. Whoever reaches one may use that protocol "
        "in that collection (default: default) with that scope (default: read).",
    )
    compare_detect_upstream: str | None = Field(
        None,
        pattern=_UPSTREAM,
        description="URL of another server that finds the faces for the protocol compare, such as "
        "http://127.0.0.1:8081/service.",
    )
    compare_upstream: str | None = Field(
        None,
        pattern=_UPSTREAM,
        description="URL of another server that compares the cropped faces for the protocol "
        "compare, such as http://127.0.0.1:8082/service.",
    )
    deepstack_upstream: str | None = Field(
        None,
        pattern=_UPSTREAM,
        description="URL of a DeepStack or CodeProject.AI server to which detections of anything "
        "but faces are handed on, such as http://127.0.0.1:5000.",
    )
    immich_upstream: str | None = Field(
        None,
        pattern=_UPSTREAM,
        description="URL of an Immich machine-learning server for requests that are not about "
        "faces, such as http://127.0.0.1:3004.",
    )
    audit_log: Path | None = Field(
        None,
        description="Path of the audit log. Defaults to audit.jsonl in the data folder. With "
        "FACESERVER_STORE the audit log is in the database; if this is set, it is written here as "
        "well.",
    )
    audit_max_bytes: int = Field(
        10 * _MEGABYTE,
        ge=0,
        description="Size in bytes at which the audit log is rotated. 0 means never.",
    )
    audit_files: int = Field(10, ge=1, description="Number of rotated audit logs to keep.")
    log_format: Literal["text", "json"] = Field("text", description="Log format: text or json.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Minimum level of log messages: debug, info, warning or error."
    )

    @property
    def shared_database(self) -> str:
        """Address of the database that servers share keys, jobs and webhooks in; empty if none."""
        address = self.store.get_secret_value()
        return address if address.startswith(_DATABASES) else ""

    @field_validator(
        "url_allow_networks",
        "cors_origins",
        "host_names",
        "trusted_proxies",
        "compat",
        "compat_listen",
        "attributes",
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
            raise ValueError("must have the form name=value,name=value")
        return {name.strip(): text.strip() for name, _, text in pairs}

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin!r} is not an origin such as https://example.org")
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
