"""Writes the ``model.toml`` of a model that was converted or added."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from faceserver.conversion.normalizations import in_words
from faceserver.models.spec import Crop, Normalization, OptionValue

UNCALIBRATED = "not calibrated: run `faceserver evaluate --save` on labelled photographs"
GIVEN = "given by whoever added the model"


@dataclass(frozen=True)
class Description:
    """What a ``model.toml`` says.

    Attributes:
        kind: detector, embedder or attribute.
        architecture: the class that runs it.
        name: the model's.
        source: where the weights come from, in words.
        licence: of the weights.
        trained_on: the photographs that the weights come from, in words; empty if not known.
        dims: length of an embedding.
        labels: of an attribute's outputs.
        source_sha256: of the published files, by their names.
        channels: the order of the colours.
        normalization: what happens to the pixels first.
        crop: how a face is cut out; None for a detector.
        distances: threshold and calibration of an embedder.
        options: what the architecture is told.
        networks: the files and hashes of each network.
    """

    kind: str
    architecture: str
    name: str
    source: str
    licence: str
    channels: str
    normalization: Normalization
    networks: Mapping[str, Mapping[str, object]]
    trained_on: str = ""
    dims: int | None = None
    labels: tuple[str, ...] = ()
    source_sha256: Mapping[str, str] = field(default_factory=dict)
    crop: Crop | None = None
    distances: tuple[float, str] | None = None
    options: Mapping[str, OptionValue] = field(default_factory=dict)

    def format(self) -> str:
        """Write it as TOML."""
        parts = [_lines(self._head())]
        if self.source_sha256:
            parts.append(_table("source_sha256", _quoted(self.source_sha256)))
        normalization = self.normalization.model_dump()
        parts.append(
            f"# {in_words(self.normalization)}\n"
            + _table("input", {"channels": self.channels, "normalization": normalization})
        )
        if self.crop:
            parts.append(_table("crop", self.crop.model_dump()))
        if self.distances:
            threshold, calibration = self.distances
            distances = {"threshold": threshold, "calibration": calibration}
            parts.append(_table("distances", distances))
        if self.options:
            parts.append(_table("options", self.options))
        parts += [_table(f"networks.{name}", files) for name, files in self.networks.items()]
        return "\n".join(parts)

    def _head(self) -> dict[str, object]:
        head: dict[str, object] = {
            "kind": self.kind,
            "architecture": self.architecture,
            "name": self.name,
            "source": self.source,
            "licence": self.licence,
        }
        if self.trained_on:
            head["trained_on"] = self.trained_on
        if self.dims is not None:
            head["dims"] = self.dims
        if self.labels:
            head["labels"] = list(self.labels)
        return head


def _table(name: str, entries: Mapping[str, object]) -> str:
    return f"[{name}]\n{_lines(entries)}"


def _lines(entries: Mapping[str, object]) -> str:
    return "".join(f"{key} = {_value(value)}\n" for key, value in entries.items())


def _quoted(entries: Mapping[str, str]) -> dict[str, str]:
    return {json.dumps(key): value for key, value in entries.items()}


def _value(value: object) -> str:
    """A value as TOML has it, which but for tables is as JSON has it."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(key)} = {_value(each)}" for key, each in value.items())
        return f"{{ {inner} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _key(key: str) -> str:
    return key if key.replace("_", "").isalnum() and key.isascii() else json.dumps(key)
