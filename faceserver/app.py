"""The only place where the parts are put together."""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from threading import Thread

from flask import Flask

from faceserver import __version__, web
from faceserver.analyzer import Analyzer
from faceserver.config import Settings
from faceserver.engines import EngineOptions, make_engine
from faceserver.errors import FaceServerError, NotReady
from faceserver.fetch import Fetcher
from faceserver.models import DetectorSpec, EmbedderSpec, load_spec
from faceserver.plugins.facenet import FaceNetEmbedder
from faceserver.plugins.mtcnn import MtcnnDetector, MtcnnOptions
from faceserver.service import FaceService, Limits
from faceserver.store import open_store
from faceserver.store.pictures import PictureStore

_log = logging.getLogger(__name__)


def make_analyzer(settings: Settings) -> Analyzer:
    """Load the models.

    Raises:
        SetupError: a model, the engine or a setting is at fault; the message says what to do.
    """
    detector_spec = load_spec(settings.models_dir / settings.detector_model, DetectorSpec)
    embedder_spec = load_spec(settings.models_dir / settings.embedder_model, EmbedderSpec)
    engine = make_engine(
        settings.engine,
        EngineOptions(
            threads=settings.threads or len(os.sched_getaffinity(0)),
            cache_dir=settings.cache_dir,
        ),
    )
    detector = MtcnnDetector(
        detector_spec,
        engine,
        MtcnnOptions(
            min_face=settings.min_face,
            thresholds=(
                settings.pnet_threshold,
                settings.rnet_threshold,
                settings.onet_threshold,
            ),
            factor=settings.pyramid_factor,
        ),
    )
    return Analyzer(detector, FaceNetEmbedder(embedder_spec, engine, settings.precision))


def open_service(settings: Settings) -> FaceService:
    """Load the models and open the data folder; the caller closes the service.

    Raises:
        SetupError: a model, the engine or a setting is at fault; the message says what to do.
        StoreError: the data folder cannot be used.
    """
    analyzer = make_analyzer(settings)
    embedder = analyzer.embedder
    store = open_store(settings.data_dir, model=embedder.name, dims=embedder.dims)
    return FaceService(
        analyzer=analyzer,
        store=store,
        pictures=PictureStore(settings.data_dir),
        fetch=Fetcher(
            timeout=settings.url_timeout,
            max_bytes=settings.max_file_bytes,
            allow_networks=settings.url_allow_networks,
        ).fetch,
        limits=Limits(
            max_bytes=settings.max_file_bytes,
            max_pixels=settings.max_pixels,
            max_matches=settings.max_matches,
            max_distance=settings.distance_threshold or embedder.distances.threshold,
        ),
    )


class Backend:
    """What the web layer reaches: the service, once it is there, and its health until then."""

    def __init__(self, settings: Settings) -> None:
        """Start nothing yet; see :meth:`start`."""
        self.settings = settings
        self._service: FaceService | None = None
        self._failure: FaceServerError | None = None
        self._loader = Thread(target=self._load, name="loader", daemon=True)

    def start(self) -> None:
        """Load in the background, so that the server answers ``/health`` meanwhile."""
        self._loader.start()

    def wait(self) -> None:
        """Wait until loading is over.

        Raises:
            FaceServerError: it failed.
        """
        self._loader.join()
        if self._failure:
            raise self._failure

    def service(self) -> FaceService:
        """The service.

        Raises:
            NotReady: it is not there (yet); the message says why.
        """
        if self._service is None:
            raise NotReady(str(self._failure or "the server is still starting"))
        return self._service

    def health(self) -> Mapping[str, object]:
        """Whether the server is ready, why not, and what it holds."""
        if self._failure:
            return {"status": "failed", "reason": str(self._failure), "version": __version__}
        if self._service is None:
            return {"status": "starting", "reason": "loading", "version": __version__}
        status = self._service.status()
        return {
            "status": "ready",
            "reason": None,
            "version": __version__,
            "engine": self.settings.engine,
            "model": self.settings.embedder_model,
            "faces": status.faces,
            "indexed": status.indexed,
        }

    def picture_path(self, name: str) -> Path:
        """Where a stored picture lies.

        Raises:
            NotFound: no picture of that name is stored.
            NotReady: the service is not there (yet).
        """
        return self.service().picture_path(name)

    def close(self) -> None:
        """Wait for loading to end and close the service; closing twice does nothing."""
        self._loader.join()
        if self._service:
            self._service.close()

    def _load(self) -> None:
        try:
            self._service = open_service(self.settings)
        except FaceServerError as error:
            _log.error("cannot start: %s", error)
            self._failure = error


def create_app(settings: Settings) -> Flask:
    """Make the web application and begin to load the models.

    Its ``extensions["faceserver"]`` is the :class:`Backend`; the caller closes it.
    """
    app = Flask(__name__)
    backend = Backend(settings)
    app.extensions["faceserver"] = backend
    web.init_app(app)
    backend.start()
    return app
