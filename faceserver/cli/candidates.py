"""What ``faceserver evaluate`` judges: every detector with every embedder, used in every way."""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import click
from pydantic import TypeAdapter, ValidationError

from faceserver import app
from faceserver.config import Settings
from faceserver.engines import Engine, Network, Precision, Preprocessing
from faceserver.errors import ModelError
from faceserver.models.aliases import resolved
from faceserver.models.files import find_models
from faceserver.models.spec import Crop, DetectorSpec, EmbedderSpec, NetworkFiles
from faceserver.vision import architectures
from faceserver.vision.base import Detector, Embedder


@dataclass(frozen=True, eq=False)
class Candidate:
    """A way of turning photographs into vectors.

    Attributes:
        detector_name: the detection model's folder.
        detector: it.
        folder: the embedding model's.
        embedder: it.
        variant: how it is used, in words, where that is not as its description says.
    """

    detector_name: str
    detector: Detector
    folder: str
    embedder: Embedder
    variant: str = ""

    @property
    def name(self) -> str:
        """What reports call it."""
        used = f", {self.variant}" if self.variant else ""
        return f"{self.detector_name} + {self.embedder.name}{used}"


def load_candidates(
    settings: Settings,
    models: Sequence[str],
    detectors: Sequence[str],
    crops: Sequence[str],
    *,
    mirror: bool,
) -> list[Candidate]:
    """Load all that are wanted; what is named by nobody is what is set.

    Args:
        settings: where the models are, and what runs them.
        models: embedding models, by their folders or names, or those that other programs have.
        detectors: detection models, likewise.
        crops: recipes beside that of the model, as TOML; the size is the model's unless given.
        mirror: also use mirror images.

    Raises:
        SetupError: a model, the engine or a setting is at fault.
        click.UsageError: a recipe is none.
    """
    names = detectors or [settings.detector]
    wanted = [_folder(settings, name, DetectorSpec) for name in names]
    found = [
        (name, app.make_detector(_with_detector(settings, name))) for name in dict.fromkeys(wanted)
    ]
    folders = [_folder(settings, name, EmbedderSpec) for name in models or [settings.model]]
    ways = [
        (folder, embedder, variant)
        for folder in dict.fromkeys(folders)
        for embedder, variant in _ways(settings, folder, crops, mirror=mirror)
    ]
    return [Candidate(name, detector, *way) for name, detector in found for way in ways]


def _with_detector(settings: Settings, name: str) -> Settings:
    """The options that are set are those of the detector that is set."""
    own = _folder(settings, settings.detector, DetectorSpec)
    options = settings.detector_options if name == own else {}
    return settings.model_copy(update={"detector": name, "detector_options": options})


def _folder(settings: Settings, name: str, kind: type[DetectorSpec] | type[EmbedderSpec]) -> str:
    known = [each for each in find_models(settings.models_dir) if isinstance(each.spec, kind)]
    own = resolved(name, [each.name for each in known])
    for each in known:
        if each.name == own or each.spec.name == name:
            return each.name
    raise ModelError(
        f"there is no model {name!r}; there are: {', '.join(each.name for each in known)}"
    )


def _ways(
    settings: Settings, folder: str, crops: Sequence[str], *, mirror: bool
) -> Iterator[tuple[Embedder, str]]:
    """The model as it is described, and used otherwise; its network is loaded once."""
    spec = app.embedder_spec(settings.model_copy(update={"model": folder}))
    usual = app.loading(settings, spec)
    loading = replace(usual, engine=_SharingEngine(usual.engine))
    for recipe in ("", *crops):
        crop = _recipe(recipe, spec.crop.size) if recipe else spec.crop
        for mirrors in (False, True) if mirror else (False,):
            options = {**spec.options, "mirror": True} if mirrors else spec.options
            used = spec.model_copy(update={"crop": crop, "options": options})
            variant = ", ".join(part for part in (recipe, "mirrored" * mirrors) if part)
            yield architectures.make_embedder(used, loading), variant


class _SharingEngine(Engine):
    """Loads each network once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._loaded: dict[str, Network] = {}

    def load(
        self,
        files: NetworkFiles,
        precision: Precision,
        preprocessing: Preprocessing | None = None,
    ) -> Network:
        key = repr((files, precision, preprocessing))
        if key not in self._loaded:
            self._loaded[key] = self._engine.load(files, precision, preprocessing)
        return self._loaded[key]


def _recipe(text: str, size: int) -> Crop:
    try:
        table = {"size": size, **tomllib.loads(f"crop = {{ {text} }}")["crop"]}
        crop = TypeAdapter[Crop](Crop).validate_python(table)
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise click.UsageError(f"{text!r} is no recipe for a crop: {error}") from error
    if crop.size != size:
        raise click.UsageError(f"{text!r}: the model takes crops of {size} pixels")
    return crop
