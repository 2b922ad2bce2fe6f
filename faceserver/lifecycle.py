"""A server's life: it loads, changes its model, serves, drains and closes."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from threading import Event, Thread

from faceserver import __version__
from faceserver.config import Settings
from faceserver.errors import FaceServerError, NotReady, StoreUnavailable
from faceserver.jobs.manager import Jobs
from faceserver.services.analysis import Analysis
from faceserver.services.change_model import Reembedder, outdated
from faceserver.services.collections import Collections
from faceserver.services.context import Context
from faceserver.services.faces import Faces
from faceserver.services.models import Models
from faceserver.services.people import People
from faceserver.services.registering import Registering
from faceserver.services.searching import Searching
from faceserver.services.unnamed import UnnamedFaces

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Services:
    """What a user can do; every front end calls these and nothing below them.

    Attributes:
        context: what they share.
        registering: takes pictures in.
        faces: adds ready embeddings, shows, moves and deletes faces.
        people: adds, changes, merges and deletes people.
        collections: makes, describes and deletes collections.
        searching: says who somebody is.
        analysis: detects, embeds and compares; stores nothing.
        unnamed: groups faces that nobody has named.
        models: tells which models there are.
        jobs: takes many pictures in, in the background.
    """

    context: Context
    registering: Registering
    faces: Faces
    people: People
    collections: Collections
    searching: Searching
    analysis: Analysis
    unnamed: UnnamedFaces
    models: Models
    jobs: Jobs

    def close(self) -> None:
        """End the jobs at a safe point and close the store; closing twice does nothing."""
        self.jobs.close()
        self.context.store.close()


class Backend:
    """What the web layer reaches: the services, once they are there, and their health until then.

    Attributes:
        settings: those that the server runs with.
    """

    def __init__(
        self,
        settings: Settings,
        open_services: Callable[[Settings], Services],
        crops_fit: Callable[[Settings], Callable[[str], bool]],
    ) -> None:
        """Start nothing yet; see :meth:`start`.

        Args:
            settings: kept.
            open_services: loads the models and opens the data folder.
            crops_fit: tells of which models the kept crops are cut as the one that is set wants.
        """
        self.settings = settings
        self._open = open_services
        self._crops_fit = crops_fit
        self._services: Services | None = None
        self._failure: FaceServerError | None = None
        self._change_failure: FaceServerError | None = None
        self._closing = Event()
        self._draining = Event()
        self._changer = Thread(target=self._change_model, name="changer", daemon=True)
        self._loader = Thread(target=self._load, name="loader", daemon=True)

    def start(self) -> None:
        """Load in the background, so that the server answers ``/health`` meanwhile."""
        self._loader.start()

    @property
    def draining(self) -> bool:
        """Whether the server is stopping; see :meth:`drain`."""
        return self._draining.is_set()

    def drain(self) -> None:
        """Take nothing new from now on, and bring work in the background to a safe point."""
        self._draining.set()
        self._closing.set()
        if self._services:
            self._services.jobs.stop()

    def wait(self) -> None:
        """Wait until loading is over.

        Raises:
            FaceServerError: it failed.
        """
        self._loader.join()
        if self._failure:
            raise self._failure

    def services(self) -> Services:
        """The services.

        Raises:
            NotReady: they are not there (yet); the message says why.
        """
        if self._services is None:
            raise NotReady(str(self._failure or "the server is still starting"))
        return self._services

    def health(self) -> Mapping[str, object]:
        """Whether the server is ready, why not, and what it holds."""
        if self._failure:
            return {"status": "failed", "reason": str(self._failure), "version": __version__}
        if self._services is None:
            return {"status": "starting", "reason": "loading", "version": __version__}
        try:
            status = self._services.collections.status()
        except StoreUnavailable as error:
            return {"status": "unavailable", "reason": str(error), "version": __version__}
        return {
            "status": "draining" if self.draining else "ready",
            "reason": "the server is stopping" if self.draining else None,
            "version": __version__,
            "engine": self.settings.engine,
            "model": self.settings.model,
            "faces": status.faces,
            "indexed": status.indexed,
            "change_failure": str(self._change_failure) if self._change_failure else None,
            "loss": str(status.loss) if status.loss else None,
            "collections": [asdict(part) for part in status.collections],
        }

    def close(self) -> None:
        """Wait for loading to end and close the services; closing twice does nothing."""
        self._closing.set()
        self._loader.join()
        if self._changer.ident is not None:
            self._changer.join()
        if self._services:
            self._services.close()

    def _load(self) -> None:
        try:
            services = self._open(self.settings)
            services.context.analyzer.warm_up()
            services.jobs.start()
        except FaceServerError as error:
            _log.error("cannot start: %s", error)
            self._failure = error
            return
        self._services = services
        if self._draining.is_set():  # it was told to stop while it was loading
            services.jobs.stop()
        if self.settings.change_model:
            self._changer.start()

    def _change_model(self) -> None:
        """Bring each collection to the model that is set; the old one serves until then."""
        context = self.services().context
        embedder = context.analyzer.embedder
        try:
            fit = self._crops_fit(self.settings)
            reembedder = Reembedder(context.store, context.pictures, embedder, crops_fit=fit)
            for name in outdated(context.store, embedder.name):
                _log.info("%s: changing to the model %s", name, self.settings.model)
                if reembedder.run(name, stop=self._closing) is not None:
                    _log.info("%s: changed to the model %s", name, self.settings.model)
        except FaceServerError as error:
            _log.error("the model could not be changed: %s", error)
            self._change_failure = error
