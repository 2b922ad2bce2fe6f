"""What a model promises about its embeddings, and whether two descriptions promise the same."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faceserver.errors import InvalidArchive, StoreMismatch

_DECIDES = ("name", "dims", "crop", "options")
"""What changes the numbers of an embedding beside input and weights; thresholds, sources and file
names do not."""


def find_contracts(models_dir: Path) -> dict[str, str]:
    """The content of each embedding model's ``model.toml`` below a folder, by the model's name."""
    found = {}
    for path in sorted(models_dir.rglob("model.toml")):
        text = path.read_text(encoding="utf-8")
        try:
            content = tomllib.loads(text)
        except tomllib.TOMLDecodeError:
            continue  # whoever loads that model says so
        if content.get("kind") == "embedder":
            found[str(content.get("name"))] = text
    return found


def check_contract(model: str, theirs: str | None, ours: Mapping[str, str]) -> None:
    """Refuse embeddings of a model that has the name of one of ours but is another.

    Args:
        model: its name.
        theirs: its ``model.toml``, as it came with the embeddings; None if it did not.
        ours: see :func:`find_contracts`.

    Raises:
        InvalidArchive: theirs is not TOML.
        StoreMismatch: they differ in what decides about the embeddings.
    """
    if theirs is None or model not in ours:
        return
    try:
        their_content = tomllib.loads(theirs)
    except tomllib.TOMLDecodeError as error:
        raise InvalidArchive(f"the description of the model {model} is not TOML") from error
    differing = [
        part
        for part, (a, b) in _compared(their_content, tomllib.loads(ours[model])).items()
        if a != b
    ]
    if differing:
        raise StoreMismatch(
            f"the archive's model {model} differs from the installed one: "
            f"they differ in {', '.join(differing)}"
        )


def _compared(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, tuple[object, object]]:
    parts = {part: (a.get(part) or None, b.get(part) or None) for part in _DECIDES}
    return {**parts, "input": (_input(a), _input(b)), "weights": (_weights(a), _weights(b))}


def _input(content: Mapping[str, Any]) -> object:
    """Descriptions before version 0.2 say how pixels are normalized, and no more."""
    given = content.get("input", {"normalization": content.get("normalization")})
    return {"channels": "rgb", **given} if isinstance(given, dict) else given


def _weights(content: Mapping[str, Any]) -> object:
    networks = content.get("networks")
    if not isinstance(networks, dict):
        return None
    return {
        name: _digests(files.get("sha256"))
        for name, files in networks.items()
        if isinstance(files, dict)
    }


def _digests(given: object) -> set[str]:
    """Descriptions before version 0.2 have one digest, later ones those of several files."""
    return set(map(str, given.values())) if isinstance(given, dict) else {str(given)}
