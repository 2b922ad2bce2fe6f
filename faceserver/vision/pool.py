"""The embedding models that a server knows, each loaded when it is first used.

Weights are large, so what is held at the same time has a limit: the model that was not used for the
longest time leaves first. Whoever is using it goes on with it until the end of the call.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from threading import Lock

from faceserver.errors import ModelError
from faceserver.models.distances import Distances
from faceserver.models.spec import EmbedderSpec
from faceserver.vision.analyzer import Analyzer
from faceserver.vision.base import Embedder


def _nothing(spec: EmbedderSpec) -> Embedder:
    raise ModelError(f"nothing is registered to load the model {spec.name!r}")


class AnalyzerPool:
    """An analyzer for each model, by its name. Safe to call from several threads at once.

    Attributes:
        default: of the model that the server is set to; it is always held.
    """

    def __init__(
        self,
        default: Analyzer,
        specs: Mapping[str, EmbedderSpec] | None = None,
        load: Callable[[EmbedderSpec], Embedder] = _nothing,
        *,
        max_bytes: int = 0,
    ) -> None:
        """Take the default; load nothing yet.

        Args:
            default: an analyzer that is loaded.
            specs: of the other models that may be asked for, by their names.
            load: loads an embedder.
            max_bytes: of the files of all models that are held; 0 sets no limit.
        """
        self.default = default
        self._specs = dict(specs or {})
        self._load = load
        self._max_bytes = max_bytes
        self._lock = Lock()
        self._held: OrderedDict[str, Future[Analyzer]] = OrderedDict()

    def names(self) -> list[str]:
        """Every model that may be asked for, in alphabetical order."""
        return sorted({self.default.embedder.name, *self._specs})

    def loaded(self) -> frozenset[str]:
        """The names of the models that are held now."""
        with self._lock:
            ready = [name for name, held in self._held.items() if held.done()]
        return frozenset({self.default.embedder.name, *ready})

    def distances(self, model: str) -> Distances | None:
        """What a model's distances mean, without loading it; None if it is not known."""
        if model == self.default.embedder.name:
            return self.default.embedder.distances
        spec = self._specs.get(model)
        return spec.distances if spec else None

    def dims(self, model: str) -> int | None:
        """Length of a model's embeddings, without loading it; None if it is not known."""
        if model == self.default.embedder.name:
            return self.default.embedder.dims
        spec = self._specs.get(model)
        return spec.dims if spec else None

    def analyzer(self, model: str) -> Analyzer:
        """The analyzer of a model, which is loaded if it is not held.

        Raises:
            ModelError: the model is not known, or cannot be loaded.
        """
        if model == self.default.embedder.name:
            return self.default
        if model not in self._specs:
            raise ModelError(f"there is no model {model!r}; there are: {', '.join(self.names())}")
        with self._lock:
            held = self._held.get(model)
            mine = held is None
            if held is None:
                self._make_room(self._specs[model])
                held = self._held[model] = Future()
            self._held.move_to_end(model)
        if mine:
            self._fill(model, held)
        return held.result()

    def _fill(self, model: str, held: Future[Analyzer]) -> None:
        try:
            embedder = self._load(self._specs[model])
            embedder.warm_up()
            held.set_result(self.default.with_embedder(embedder))
        except BaseException as error:  # noqa: BLE001 - whatever it is, those who wait hear of it
            with self._lock:  # the next one who asks tries anew
                self._held.pop(model, None)
            held.set_exception(error)

    def _make_room(self, wanted: EmbedderSpec) -> None:
        if not self._max_bytes:
            return
        sizes = {name: _bytes(self._specs[name]) for name in self._held}
        default = self._specs.get(self.default.embedder.name)
        total = sum(sizes.values()) + _bytes(wanted) + (_bytes(default) if default else 0)
        for name in list(self._held):
            if total <= self._max_bytes:
                return
            del self._held[name]
            total -= sizes[name]


def _bytes(spec: EmbedderSpec) -> int:
    """The size of a model's weights, in the larger of its formats."""
    return sum(
        max((path.stat().st_size for path in files.paths if path.exists()), default=0)
        for files in spec.networks.values()
    )
