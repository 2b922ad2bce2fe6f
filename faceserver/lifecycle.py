"""A server's life: it loads, changes its model, serves, drains and closes."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from threading import Event, Thread

from faceserver import __version__
from faceserver.config import Settings
from faceserver.errors import EngineUnavailable, FaceServerError, NotReady, StoreUnavailable
from faceserver.jobs.manager import Jobs
from faceserver.services.analysis import Analysis
from faceserver.services.change_model import Reembedder, outdated
from faceserver.services.collections import Collections
from faceserver.services.context import Context
from faceserver.services.faces import Faces
from faceserver.services.ignoring import Ignored
from faceserver.services.indexing import Indexing
from faceserver.services.matching import Matching
from faceserver.services.models import Models
from faceserver.services.named import NamedFaces
from faceserver.services.people import People
from faceserver.services.portraits import Portraits
from faceserver.services.refusing import Refusals
from faceserver.services.registering import Registering
from faceserver.services.relaying import Relaying
from faceserver.services.searching import Searching
from faceserver.services.strangers import Strangers
from faceserver.services.suggesting import Suggestions
from faceserver.services.taught import Taught
from faceserver.services.thumbnails import Thumbnails
from faceserver.services.unnamed import UnnamedFaces
from faceserver.services.verifying import Verifying
from faceserver.store.base import Receipt
from faceserver.webhooks.manager import Webhooks

_log = logging.getLogger(__name__)

_AWAY = (EngineUnavailable, StoreUnavailable)
_AGAIN = 2.0
"""Seconds after which a server that cannot start, because another machine is away, tries again."""


@dataclass(frozen=True, eq=False)
class Services:
    """What a user can do; every front end calls these and nothing below them.

    Attributes:
        context: what they share.
        registering: takes pictures in.
        indexing: takes in those faces of a picture that are chosen.
        faces: adds ready embeddings, shows, moves and deletes faces.
        people: adds, changes, merges and deletes people.
        refusals: remembers who somebody is not.
        portraits: replaces all that stands for a person.
        taught: takes in, renames and forgets examples by ids of the teacher's own.
        relaying: hands requests on to other servers.
        collections: makes, describes and deletes collections.
        searching: says who somebody is.
        strangers: whom searches have remembered.
        matching: likewise of chosen faces, and of people.
        analysis: detects, embeds and compares; stores nothing.
        verifying: says whether somebody is who a stored face shows.
        named: lists and deletes the faces of people, for programs that know no other.
        thumbnails: small pictures of stored faces.
        unnamed: groups faces that nobody has named.
        ignored: hides those of them that are of no interest.
        suggestions: tells who may be the same person.
        models: tells which models there are.
        jobs: takes many pictures in, in the background.
        webhooks: sends events to other programs.
    """

    context: Context
    registering: Registering
    indexing: Indexing
    faces: Faces
    people: People
    refusals: Refusals
    portraits: Portraits
    taught: Taught
    relaying: Relaying
    collections: Collections
    searching: Searching
    strangers: Strangers
    matching: Matching
    analysis: Analysis
    verifying: Verifying
    named: NamedFaces
    thumbnails: Thumbnails
    unnamed: UnnamedFaces
    ignored: Ignored
    suggestions: Suggestions
    models: Models
    jobs: Jobs
    webhooks: Webhooks

    def delete_collection(self, name: str) -> Receipt:
        """Delete a collection with its jobs, its webhooks, and what was told of it.

        The default one is emptied and stays.

        Raises:
            NotFound: there is none of that name.
        """
        self.collections.describe(name)
        with self.jobs.forgetting(name):
            receipt = self.collections.delete(name)
            self.webhooks.forget(name)
        return receipt

    def stop(self) -> None:
        """Begin nothing new in the background; does not wait for what is under way."""
        self.jobs.stop()
        self.webhooks.stop()

    def close(self) -> None:
        """End the work in the background and close the store; closing twice does nothing."""
        self.jobs.close()
        self.webhooks.close()
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
        self._awaited: FaceServerError | None = None
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
            self._services.stop()

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
            raise NotReady(str(self._failure or self._awaited or "the server is still starting"))
        return self._services

    def health(self) -> Mapping[str, object]:
        """Whether the server is ready, why not, and what it holds."""
        if self._failure:
            return {"status": "failed", "reason": str(self._failure), "version": __version__}
        if self._services is None:
            reason = str(self._awaited or "loading")
            return {"status": "starting", "reason": reason, "version": __version__}
        try:
            status = self._services.collections.status()
        except StoreUnavailable as error:
            return {"status": "unavailable", "reason": str(error), "version": __version__}
        return {
            "status": "draining" if self.draining else "ready",
            "reason": "the server is stopping" if self.draining else None,
            "version": __version__,
            "role": self.settings.role,
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
            services = self._opened()
        except FaceServerError as error:
            _log.error("cannot start: %s", error)
            self._failure = error
            return
        self._services = services
        if self._draining.is_set():  # it was told to stop while it was loading
            services.stop()
        if self.settings.change_model:
            self._changer.start()

    def _opened(self) -> Services:
        """The services, ready for work; waits for machines that they need and that are away."""
        while True:
            try:
                services = self._open(self.settings)
                try:
                    services.context.analyzer.warm_up()
                    if self.settings.role != "web":
                        services.jobs.start()
                    services.webhooks.start()
                except FaceServerError:
                    services.close()
                    raise
            except _AWAY as error:
                if not self._awaited:
                    _log.warning("waiting: %s", error)
                self._awaited = error
                if self._closing.wait(_AGAIN):
                    raise
            else:
                return services

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
