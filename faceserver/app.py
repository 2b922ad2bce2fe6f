"""The only place where the parts are put together."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from flask import Flask

from faceserver import web
from faceserver.config import Settings
from faceserver.engines import EngineOptions, RemoteOptions, engines, make_engine
from faceserver.errors import FaceServerError, InvalidSetting, StoreMismatch, UnknownAttribute
from faceserver.jobs.manager import Jobs
from faceserver.jobs.opening import open_jobs
from faceserver.lifecycle import Backend, Services
from faceserver.models.aliases import resolved
from faceserver.models.files import find_models
from faceserver.models.spec import (
    AttributeSpec,
    DetectorSpec,
    EmbedderSpec,
    OptionValue,
    Spec,
    load_spec,
)
from faceserver.pictures.fetch import Fetcher
from faceserver.runtime.parallel import Helpers
from faceserver.runtime.threads import ThreadPlan, plan
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
from faceserver.services.unnamed import UnnamedFaces
from faceserver.services.verifying import Verifying
from faceserver.store import Options, opening
from faceserver.store.base import Gallery
from faceserver.store.pictures import Pictures, PlaceOptions, open_pictures
from faceserver.store.pictures.places import places
from faceserver.vision import architectures
from faceserver.vision.analyzer import Analyzer
from faceserver.vision.attributes.pool import AttributePool
from faceserver.vision.base import Detector, Loading
from faceserver.vision.batched import BatchedEmbedder
from faceserver.vision.pool import AnalyzerPool
from faceserver.vision.processes import in_processes
from faceserver.webhooks.manager import Webhooks
from faceserver.webhooks.opening import open_webhooks
from faceserver.webhooks.sender import Post

_log = logging.getLogger(__name__)

_MOST_AT_ONCE = 8
"""Faces of several requests in one batch, for each processor; more take hardly less time each."""


def make_analyzer(settings: Settings) -> Analyzer:
    """Load the models that are set.

    Raises:
        SetupError: a model, the engine or a setting is at fault; the message says what to do.
    """
    threads = _threads(settings)
    return Analyzer(
        make_detector(settings),
        make_embedder(settings, embedder_spec(settings)),
        attributes=make_attributes(settings),
        sure=detector_spec(settings).sure,
        max_faces=settings.max_faces,
        at_once=threads.pictures,
    )


def detector_spec(settings: Settings) -> DetectorSpec:
    """The description of the detection model that is set.

    Raises:
        ModelError: it is missing or at fault.
    """
    return load_spec(model_folder(settings, settings.detector), DetectorSpec)


def make_detector(settings: Settings, options: Mapping[str, OptionValue] | None = None) -> Detector:
    """Load the detector that is set.

    Args:
        settings: with its name and its options.
        options: others, which count before those of the settings.

    Raises:
        SetupError: the model, the engine or an option is at fault.
    """
    spec = detector_spec(settings)
    told = {**spec.options, **settings.detector_options, **(options or {})}
    return architectures.make_detector(
        spec.model_copy(update={"options": told}), loading(settings, spec)
    )


def make_attributes(settings: Settings) -> AttributePool:
    """The attributes whose models are built, none of them loaded yet.

    Raises:
        ModelError: a description is at fault.
    """
    built = [model.spec for model in find_models(settings.models_dir) if model.is_built]
    return AttributePool(
        [spec for spec in built if isinstance(spec, AttributeSpec)],
        lambda spec: architectures.make_attribute(spec, loading(settings, spec)),
    )


def embedder_spec(settings: Settings) -> EmbedderSpec:
    """The description of the embedding model that is set.

    Raises:
        ModelError: it is missing or at fault.
    """
    return load_spec(model_folder(settings, settings.model), EmbedderSpec)


def model_folder(settings: Settings, name: str) -> Path:
    """The folder of a model by its name, or by one of the names that other programs have for it."""
    if (settings.models_dir / name / "model.toml").is_file():
        return settings.models_dir / name
    known = [model.name for model in find_models(settings.models_dir)]
    return settings.models_dir / resolved(name, known)


def make_embedder(settings: Settings, spec: EmbedderSpec) -> BatchedEmbedder:
    """Load an embedding model; what is embedded at the same time becomes one batch.

    Raises:
        SetupError: the model, the engine or a setting is at fault.
    """
    embedder = architectures.make_embedder(spec, loading(settings, spec))
    most = _MOST_AT_ONCE * _threads(settings).networks
    return BatchedEmbedder(embedder, most=most, wait=settings.batch_wait)


def crops_fit(settings: Settings) -> Callable[[str], bool]:
    """Whether crops that were kept for a model, by its name, are cut as the one that is set wants.

    Raises:
        ModelError: a model's description is at fault.
    """
    wanted, known = embedder_spec(settings), embedder_specs(settings)
    return lambda model: model in known and known[model].crop == wanted.crop


def embedder_specs(settings: Settings) -> dict[str, EmbedderSpec]:
    """The descriptions of all embedding models, by their names.

    Raises:
        ModelError: one is at fault.
    """
    specs = [model.spec for model in find_models(settings.models_dir)]
    return {spec.name: spec for spec in specs if isinstance(spec, EmbedderSpec)}


def loading(settings: Settings, spec: Spec) -> Loading:
    """What a model is loaded with: where it is there as ONNX alone, an engine that reads that."""
    threads = _threads(settings)
    return Loading(
        engine=make_engine(_engine_for(settings, spec), _engine_options(settings)),
        precision=settings.precision,
        helpers=Helpers(threads.helpers),
        shared_pixels=settings.shared_pixels,
    )


def _engine_for(settings: Settings, spec: Spec) -> str:
    has_caffe = all(files.caffemodel for files in spec.networks.values())
    takes_onnx = settings.engine in {"onnxruntime", "oip"}
    return settings.engine if has_caffe or takes_onnx else "openvino"


def _engine_options(settings: Settings) -> EngineOptions:
    url = settings.oip_url
    return EngineOptions(
        threads=_threads(settings).networks,
        provider=settings.provider,
        cache_dir=settings.cache_dir,
        remote=RemoteOptions(url, settings.oip_timeout) if url else None,
    )


def _threads(settings: Settings) -> ThreadPlan:
    return plan(engine=settings.engine, threads=settings.threads, workers=settings.workers)


def open_gallery(settings: Settings, *, any_model: bool = False) -> Gallery:
    """Open the data folder or the database without loading a model; the caller closes it.

    Args:
        settings: where it is.
        any_model: it may hold faces of another model than the one that is set.

    Raises:
        ModelError: the embedding model's description is missing or at fault.
        StoreError: the data folder, or what holds its pictures, cannot be used.
    """
    spec = embedder_spec(settings)
    return opening.open_gallery(
        settings.store.get_secret_value(),
        settings.data_dir,
        model=spec.name,
        dims=spec.dims,
        options=Options(
            keep=settings.keep_pictures, any_model=any_model, place=picture_place(settings)
        ),
        connections=settings.store_connections,
        replica=settings.read_store.get_secret_value(),
    )


def picture_place(settings: Settings) -> Pictures | None:
    """Where the settings say that pictures are kept; None for the data folder. Nothing is asked.

    Raises:
        LibraryMissing: what it needs is not installed; the message says how to get it.
        InvalidSetting: the settings do not name a place.
    """
    if settings.pictures is None:
        return None
    return open_pictures(
        settings.data_dir,
        PlaceOptions(
            settings.pictures,
            endpoint=settings.s3_endpoint,
            region=settings.s3_region,
            public=settings.s3_public_endpoint,
            gallery=opening.shared_id(settings.store.get_secret_value()),
        ),
    )


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
    store = open_gallery(settings, any_model=settings.change_model)
    store.sweeper.start()
    try:
        context = _context(settings, store, analyzer)
        return services_of(context, settings)
    except FaceServerError:
        store.close()
        raise


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
        open_table=partial(open_webhooks, settings.database),
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
        unnamed=UnnamedFaces(context),
        ignored=Ignored(context),
        suggestions=Suggestions(context),
        models=Models(context),
        jobs=Jobs(
            settings.data_dir,
            context,
            max_items=settings.max_job_items,
            open_table=partial(open_jobs, settings.database),
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


def _refuse_unknown_names(settings: Settings) -> None:
    named = [("ENGINE", engines, settings.engine)]
    if address := settings.store.get_secret_value():
        named.append(("STORE", opening.stores, opening.scheme_of(address)))
    if settings.pictures:
        named.append(("PICTURES", places, opening.scheme_of(settings.pictures)))
    for setting, registry, name in named:
        if name not in registry.names():
            known = ", ".join(registry.names())
            raise InvalidSetting(f"FACESERVER_{setting}: there is no {name!r}; there are: {known}")


def create_app(settings: Settings) -> Flask:
    """Make the web application and begin to load the models.

    Its ``extensions["faceserver"]`` is the :class:`~faceserver.lifecycle.Backend`, which the caller
    closes.

    Raises:
        InvalidSetting: a setting names what there is not, the settings do not go together, or a
            role that shares work has nothing to share it through.
    """
    _refuse_unknown_names(settings)
    if settings.role != "all" and not settings.database:
        raise InvalidSetting(
            f"FACESERVER_ROLE={settings.role} needs a database that the other servers share: set "
            "FACESERVER_STORE, or FACESERVER_ROLE=all"
        )
    app = web.make_app()
    backend = Backend(settings, open_services, crops_fit)
    app.extensions["faceserver"] = backend
    web.init_app(app)
    if web.gate_of(app).is_open():
        _log.warning(
            "no API key exists: anyone who can reach this server can use it; "
            "`faceserver keys create` creates one"
        )
    backend.start()
    return app
