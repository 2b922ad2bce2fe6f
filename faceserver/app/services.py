"""From the settings to all use cases, over models and a gallery."""

from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from functools import partial

from faceserver.app.galleries import open_gallery
from faceserver.app.models import embedder_specs, make_analyzer, make_embedder
from faceserver.config import Settings
from faceserver.errors import InvalidSetting, StoreMismatch, UnknownAttribute
from faceserver.jobs.manager import Jobs
from faceserver.jobs.opening import open_jobs
from faceserver.lifecycle import Services
from faceserver.pictures.fetch import Fetcher
from faceserver.runtime.waiting import Outside
from faceserver.services.analysis import Analysis
from faceserver.services.collections import Collections
from faceserver.services.context import Context, Limits
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
from faceserver.services.relaying import UPSTREAMS, Relaying
from faceserver.services.searching import Searching
from faceserver.services.strangers import Strangers
from faceserver.services.suggesting import Suggestions
from faceserver.services.taught import Taught
from faceserver.services.thumbnails import Thumbnails
from faceserver.services.unnamed import UnnamedFaces
from faceserver.services.verifying import Verifying
from faceserver.store.base import Gallery
from faceserver.vision.analyzer import Analyzer
from faceserver.vision.pool import AnalyzerPool
from faceserver.vision.processes import in_processes
from faceserver.webhooks.manager import Webhooks
from faceserver.webhooks.opening import open_webhooks
from faceserver.webhooks.sender import Post


def open_services(settings: Settings) -> Services:
    """Load the models and open the data folder; the caller closes the services.

    Raises:
        SetupError: a model, the engine or a setting is at fault; the message says what to do.
        StoreError: the data folder cannot be used.
    """
    alone = settings.model_copy(update={"threads": 1, "vision_processes": 0})
    analyzer = in_processes(
        make_analyzer(settings), partial(make_analyzer, alone), settings.vision_processes
    )
    with ExitStack() as undo:
        undo.callback(analyzer.close)
        store = open_gallery(settings, any_model=settings.change_model)
        undo.callback(store.close)
        store.sweeper.start()
        services = services_of(_context(settings, store, analyzer), settings)
        undo.pop_all()
    return services


def services_of(context: Context, settings: Settings, *, post: Post | None = None) -> Services:
    """All use cases over what does the work; closing them closes its store.

    Args:
        context: does the work.
        settings: where data lies, and the limits of jobs and URLs.
        post: sends events to webhooks; by default under the rules of URLs.

    Raises:
        StoreError: the data folder cannot be used.
        StoreMismatch: the default collection is of none of the models.
    """
    context.analyzer_of(context.store.collection())
    webhooks = Webhooks(
        settings.data_dir,
        context.store,
        post or _fetcher(settings).post,
        open_table=partial(open_webhooks, settings.shared_database),
    )
    context = replace(context, tell=webhooks.tell)
    return Services(
        context=context,
        registering=Registering(context),
        indexing=Indexing(context),
        faces=Faces(context),
        people=People(context),
        refusals=Refusals(context),
        portraits=Portraits(context),
        taught=Taught(context),
        relaying=Relaying(
            context,
            {name: getattr(settings, name) for name in UPSTREAMS},
            timeout=settings.request_timeout,
        ),
        collections=Collections(context),
        searching=Searching(context),
        strangers=Strangers(context),
        matching=Matching(context),
        analysis=Analysis(context),
        verifying=Verifying(context),
        named=NamedFaces(context),
        thumbnails=Thumbnails(context),
        unnamed=UnnamedFaces(context),
        ignored=Ignored(context),
        suggestions=Suggestions(context),
        models=Models(context),
        jobs=Jobs(
            settings.data_dir,
            context,
            max_items=settings.max_job_items,
            open_table=partial(open_jobs, settings.shared_database),
        ),
        webhooks=webhooks,
    )


def _context(settings: Settings, store: Gallery, analyzer: Analyzer) -> Context:
    return Context(
        analyzers=_pool(settings, analyzer, store.collection().model),
        store=store,
        pictures=store.pictures,
        fetch=_fetcher(settings).fetch,
        limits=Limits(
            max_bytes=settings.max_file_bytes,
            max_pixels=settings.max_pixels,
            max_matches=settings.max_matches,
            max_distance=settings.distance_threshold,
            margin=settings.ambiguity_margin,
            keep_strangers=_days(settings.remember_days),
        ),
        outside=Outside(settings.max_fetches),
        attributes=_stored_attributes(settings, analyzer),
    )


def _stored_attributes(settings: Settings, analyzer: Analyzer) -> tuple[str, ...]:
    """What is stored with every face.

    Raises:
        InvalidSetting: there is no such attribute.
    """
    try:
        return analyzer.attributes.wanted(settings.attributes)
    except UnknownAttribute as error:
        raise InvalidSetting(f"FACESERVER_ATTRIBUTES: {error}") from error


def _fetcher(settings: Settings) -> Fetcher:
    return Fetcher(
        timeout=settings.url_timeout,
        max_bytes=settings.max_file_bytes,
        allow_networks=settings.url_allow_networks,
    )


def _days(count: float) -> timedelta | None:
    """So many days, without end where it is 0."""
    return timedelta(days=count) if count else None


def _pool(settings: Settings, analyzer: Analyzer, default_model: str) -> AnalyzerPool:
    """What embeds for the collections of every model that there is."""
    specs = embedder_specs(settings)
    if default_model not in {analyzer.embedder.name, *specs}:
        raise StoreMismatch(
            f"the gallery holds faces of the model {default_model}, which is not in "
            f"{settings.models_dir}: put it there, or change the gallery with "
            "`faceserver change-model` before the start"
        )
    return AnalyzerPool(
        analyzer,
        specs,
        partial(make_embedder, settings),
        max_bytes=settings.model_memory * 1_000_000,
    )
