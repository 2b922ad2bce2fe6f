"""What a model's description says, in lines for people."""

from typing import TYPE_CHECKING

from faceserver.cli.output import table

if TYPE_CHECKING:  # loaded where they are used, so that --help answers at once
    from faceserver.models.distances import Measured
    from faceserver.models.files import FoundModel
    from faceserver.models.spec import Spec


def card(model: "FoundModel") -> list[str]:
    """A model's origin, licence and limits, its files, and its rates of error by group."""
    from faceserver.models.spec import EmbedderSpec

    spec = model.spec
    about = {
        "name": spec.name,
        "folder": model.name,
        "kind": f"{spec.kind}, {spec.architecture}",
        "source": spec.source,
        "licence": spec.licence,
        "trained on": spec.trained_on or "not said",
        "not for": spec.not_for or "not said",
        "built": "yes" if model.is_built else "no",
    }
    if labels := getattr(spec, "labels", ()):
        about["labels"] = ", ".join(labels)
    if crop := getattr(spec, "crop", None):
        about["crop"] = f"{crop.kind}, {crop.size} x {crop.size}"
    if isinstance(spec, EmbedderSpec):
        about |= {
            "dims": str(spec.dims),
            "threshold": str(spec.distances.threshold),
            "measured": spec.distances.calibration,
        }
    lines = [_line(what, value) for what, value in about.items()] + _files(spec)
    if isinstance(spec, EmbedderSpec) and spec.distances.measured:
        rows = [_group_cells(each) for each in spec.distances.measured]
        lines += ["", table(_GROUP_HEADS, rows)]
    return lines


def _line(what: str, value: str) -> str:
    return f"{what:12} {value}"


def _files(spec: "Spec") -> list[str]:
    paths = [path for files in spec.networks.values() for path in files.paths]
    sizes = [
        f"{path.stat().st_size / 1e6:.1f} MB" if path.exists() else "missing" for path in paths
    ]
    return [_line("file", f"{path.name}, {size}") for path, size in zip(paths, sizes, strict=True)]


_GROUP_HEADS = ("group", "photographs", "not detected", "FMR", "FNMR", "TAR at FMR 1e-3")


def _group_cells(group: "Measured") -> tuple[str, ...]:
    return (
        group.name,
        f"{group.photographs:,}",
        f"{group.not_detected:.1%}",
        f"{group.false_match:.2%}",
        f"{group.false_non_match:.1%}",
        "-" if group.true_accept is None else f"{group.true_accept:.3f}",
    )
