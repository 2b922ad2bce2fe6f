"""The attributes that a server knows, each loaded when it is first asked for."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from threading import Lock

from faceserver.errors import ModelError, UnknownAttribute
from faceserver.models.aliases import resolved
from faceserver.models.spec import AttributeSpec, CentredCrop, FixedNormalization, InputSpec
from faceserver.runtime import metrics
from faceserver.types import Detection, Image
from faceserver.vision import architectures
from faceserver.vision.attributes.base import Attribute, Cut, Value

WITHOUT_WEIGHTS = ("landmarks", "pose", "sharpness")
"""Architectures that need no model: they are computed from the detection and the picture."""

Cuts = Mapping[str, Cut]
"""What each attribute needs of one face, by the attributes' names."""


def _without_weights(spec: AttributeSpec) -> Attribute:
    if spec.architecture not in WITHOUT_WEIGHTS:
        raise ModelError(f"nothing is registered to load the attribute {spec.name!r}")
    attribute: Attribute = architectures.attributes.load(spec.architecture)(spec)
    return attribute


def spec_without_weights(name: str) -> AttributeSpec:
    """The description of an attribute that needs no model."""
    return AttributeSpec(
        kind="attribute",
        name=name,
        architecture=name,
        source="computed from the five points",
        licence="MIT",
        input=InputSpec(normalization=FixedNormalization(kind="fixed", mean=0, scale=1)),
        networks={},
        crop=CentredCrop(kind="centred", side=1, size=1),
    )


class AttributePool:
    """Attributes by their names. Safe to call from several threads at once."""

    def __init__(
        self,
        specs: Iterable[AttributeSpec] = (),
        load: Callable[[AttributeSpec], Attribute] = _without_weights,
    ) -> None:
        """Take what may be asked for; load nothing yet.

        Args:
            specs: of the models that there are.
            load: loads one.
        """
        self._specs = {name: spec_without_weights(name) for name in WITHOUT_WEIGHTS}
        self._specs.update({spec.name: spec for spec in specs})
        self._load = load
        self._lock = Lock()
        self._held: dict[str, Future[Attribute]] = {}

    def names(self) -> list[str]:
        """Every attribute that may be asked for, in alphabetical order."""
        return sorted(self._specs)

    def wanted(self, names: Iterable[str]) -> tuple[str, ...]:
        """The attributes that are asked for, each once, by their own names.

        Raises:
            UnknownAttribute: there is none of that name.
        """
        own = {resolved(name, self._specs): name for name in names}
        for name, given in own.items():
            if name not in self._specs:
                known = ", ".join(self.names())
                raise UnknownAttribute(f"there is no attribute {given!r}; there are: {known}")
        return tuple(own)

    def cut(self, image: Image, detection: Detection, names: Sequence[str]) -> Cuts:
        """Take what attributes need of a face out of its picture.

        Raises:
            ModelError: an attribute cannot be loaded.
        """
        return {name: self._attribute(name).cut(image, detection) for name in names}

    def tell(self, faces: Sequence[Cuts]) -> list[dict[str, Value]]:
        """What attributes tell of faces, each of them in one batch.

        Args:
            faces: what :meth:`cut` took of each face.

        Returns:
            For each face a value for each attribute that it was cut out for.

        Raises:
            ModelError: an attribute cannot be loaded, or does not fit its network.
        """
        told: list[dict[str, Value]] = [{} for _ in faces]
        for name in dict.fromkeys(name for cuts in faces for name in cuts):
            places = [place for place, cuts in enumerate(faces) if name in cuts]
            with metrics.part(name):
                values = self._attribute(name).tell([faces[place][name] for place in places])
            for place, value in zip(places, values, strict=True):
                told[place][name] = value
        return told

    def _attribute(self, name: str) -> Attribute:
        with self._lock:
            held = self._held.get(name)
            mine = held is None
            if held is None:
                held = self._held[name] = Future()
        if mine:
            try:
                held.set_result(self._load(self._specs[name]))
            except BaseException as error:  # noqa: BLE001 - whatever it is, those who wait hear it
                with self._lock:  # the next one who asks tries anew
                    self._held.pop(name, None)
                held.set_exception(error)
        return held.result()
