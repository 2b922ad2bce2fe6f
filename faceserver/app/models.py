"""From the settings to what finds, embeds and describes faces."""

from collections.abc import Callable, Mapping
from pathlib import Path

from faceserver.config import Settings
from faceserver.engines import EngineOptions, RemoteOptions, make_engine
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
from faceserver.runtime.parallel import Helpers
from faceserver.runtime.threads import ThreadPlan, plan
from faceserver.vision import architectures
from faceserver.vision.analyzer import Analyzer
from faceserver.vision.attributes.pool import AttributePool
from faceserver.vision.base import Detector, Loading
from faceserver.vision.batched import BatchedEmbedder

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
