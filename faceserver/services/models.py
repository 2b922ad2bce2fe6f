"""The models that a server has, and which embedder to propose for a new collection."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from faceserver.models.aliases import resolved
from faceserver.models.distances import Distances
from faceserver.models.files import FoundModel, find_models
from faceserver.models.spec import Spec
from faceserver.services.context import Context
from faceserver.vision.pool import AnalyzerPool


@dataclass(frozen=True)
class ListedModel:
    """A model in the models' folder.

    Attributes:
        folder: its path inside the models' folder, by which settings name it.
        spec: its description.
        built: whether all of its files are there.
        loaded: whether it is held in memory; never the case for what only another server uses.
        default: whether the server is set to it.
        proposed: whether it is the embedder to take for a new collection.
    """

    folder: str
    spec: Spec
    built: bool
    loaded: bool
    default: bool
    proposed: bool


class Models:
    """The models of a server. Safe to call from several threads at once."""

    def __init__(self, context: Context) -> None:
        """Take what the use cases share."""
        self._context = context

    def listed(self, models_dir: Path, *, set_to: Sequence[str]) -> list[ListedModel]:
        """All models, by their folders; see :func:`list_models`.

        Raises:
            ModelError: a description is at fault.
        """
        return list_models(models_dir, set_to=set_to, analyzers=self._context.analyzers)


def list_models(
    models_dir: Path, *, set_to: Sequence[str], analyzers: AnalyzerPool | None = None
) -> list[ListedModel]:
    """All models, by their folders.

    Args:
        models_dir: the models' folder.
        set_to: the detector and the embedder that are set: folders, or other programs' names.
        analyzers: what holds the models; None where none is loaded.

    Raises:
        ModelError: a description is at fault.
    """
    found = find_models(models_dir)
    folders = [model.name for model in found]
    in_use = {resolved(name, folders) for name in set_to}
    best = most_accurate(found)
    held = analyzers.loaded() if analyzers else frozenset()
    return [
        ListedModel(
            folder=model.name,
            spec=model.spec,
            built=model.is_built,
            loaded=model.spec.name in held
            or (bool(held) and model.spec.kind == "detector" and model.name in in_use),
            default=model.name in in_use,
            proposed=model is best,
        )
        for model in found
    ]


def most_accurate(models: Sequence[FoundModel]) -> FoundModel | None:
    """The built embedder with the highest mean true accept rate over the sets it was measured on.

    Models are compared by the sets that all of them were measured on.
    """
    measured = {
        model.name: rates
        for model in models
        if model.is_built and (rates := _rates(getattr(model.spec, "distances", None)))
    }
    if not measured:
        return None
    common = set.intersection(*(set(rates) for rates in measured.values()))
    if not common:
        return None
    best = max(measured, key=lambda name: fmean(measured[name][each] for each in sorted(common)))
    return next(model for model in models if model.name == best)


def _rates(distances: Distances | None) -> dict[str, float]:
    """The true accept rate of each set, where there is one."""
    measured = distances.measured if distances else ()
    return {each.name: each.true_accept for each in measured if each.true_accept is not None}
