"""The Open Inference Protocol: networks on NVIDIA Triton, KServe or OpenVINO Model Server.

Networks for which ``model.toml`` gives a name on the server run there; all others run here, on
OpenVINO. So the embedder, which is large and gains from a batch, can be elsewhere, while the
detector, whose pictures would take long to send, stays.
"""

from urllib.parse import urlsplit

from faceserver.engines.base import (
    Engine,
    EngineOptions,
    Network,
    Precision,
    Preprocessing,
    RemoteOptions,
)
from faceserver.engines.oip.client import Client
from faceserver.engines.oip.network import OipNetwork
from faceserver.engines.openvino import OpenVinoEngine
from faceserver.engines.pixels import with_preprocessing
from faceserver.errors import InvalidSetting
from faceserver.models.spec import NetworkFiles
from faceserver.pictures.direct import told_url
from faceserver.runtime.retrying import Retries

_FORM = "FACESERVER_OIP_URL: the form is grpc://HOST:PORT or http://HOST:PORT"


class OipEngine:
    """Runs networks on an inference server, and those that it does not have, here."""

    def __init__(self, options: EngineOptions, *, retries: Retries | None = None) -> None:
        """Take the address; connect to nothing yet.

        Args:
            options: with the server.
            retries: how often a server that does not answer is asked again.

        Raises:
            InvalidSetting: no server is named, or its address is wrong.
            LibraryMissing: the client is not installed; the message says how to get it.
        """
        if options.remote is None:
            raise InvalidSetting(f"{_FORM}; the engine oip needs it")
        self._client = _client_of(options.remote)
        self._timeout = options.remote.timeout
        self._retries = retries or Retries()
        self._at_once = options.threads
        self._local: Engine = OpenVinoEngine(options)

    def load(
        self,
        files: NetworkFiles,
        precision: Precision,
        preprocessing: Preprocessing | None = None,
    ) -> Network:
        """Ask the server for a network that it has, or load one here.

        Raises:
            EngineUnavailable: the server does not answer.
            ModelError: it does not have the network, or has one of another form; or a file is
                missing or cannot be read.
        """
        if files.remote is None:
            return self._local.load(files, precision, preprocessing)
        network = OipNetwork(
            self._client,
            files.remote,
            timeout=self._timeout,
            retries=self._retries,
            at_once=self._at_once,
        )
        return with_preprocessing(network, preprocessing)


def _client_of(options: RemoteOptions) -> Client:
    """The client for the protocol that the address begins with; each loads its own library."""
    url = urlsplit(options.url)
    if not url.netloc or url.query or url.fragment:
        raise InvalidSetting(f"{_FORM}, not {told_url(options.url)!r}")
    if url.scheme in {"grpc", "grpcs"} and "@" not in url.netloc and not url.path.strip("/"):
        from faceserver.engines.oip.grpc import GrpcClient  # noqa: PLC0415 - an extra

        return GrpcClient(url.netloc, secure=url.scheme == "grpcs")
    if url.scheme in {"http", "https"}:
        from faceserver.engines.oip.http import HttpClient  # noqa: PLC0415 - an extra

        return HttpClient(options.url)
    raise InvalidSetting(f"{_FORM}, not {told_url(options.url)!r}")
