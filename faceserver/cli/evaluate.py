"""The command ``faceserver evaluate``: how good models are on labelled photographs."""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from faceserver.cli.output import counted, progress, table
from faceserver.config import Settings, load_settings

if TYPE_CHECKING:  # loaded where they are used, so that --help answers at once
    from faceserver.cli.candidates import Candidate
    from faceserver.evaluation.data import LabelledSet
    from faceserver.evaluation.embedding import Vectors
    from faceserver.evaluation.judge import Judgement
    from faceserver.models.distances import Distances

_MODEL_OPTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        "--model",
        {"multiple": True, "help": "Embedding model; may be repeated.  [default: set one]"},
    ),
    ("--detector", {"multiple": True, "help": "Detection model; likewise."}),
    (
        "--crop",
        {
            "multiple": True,
            "metavar": "RECIPE",
            "help": "Also cut faces so, such as 'kind=\"stretched\", side=1.38'; likewise.",
        },
    ),
    (
        "--mirror",
        {"is_flag": True, "help": "Also take the mean of each face and its mirror image."},
    ),
)
_RATE = click.FloatRange(0, 1, min_open=True, max_open=True)


def _model_options(command: Callable[..., None]) -> Callable[..., None]:
    for name, how in reversed(_MODEL_OPTIONS):
        command = click.option(name, **how)(command)
    return command


@click.command()
@click.argument(
    "sets", metavar="SET...", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path)
)
@_model_options
@click.option("--centre", is_flag=True, help="The person is the face nearest the centre.")
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder that the paths of a list begin in.",
)
@click.option(
    "--target", type=_RATE, help="Choose thresholds by a false match rate that no set exceeds."
)
@click.option(
    "--gallery",
    type=click.IntRange(1),
    help="Choose them for searches among so many people, see --false-alarms.",
)
@click.option(
    "--false-alarms",
    type=_RATE,
    default=0.01,
    show_default=True,
    help="Share of the searches for strangers that may find somebody.",
)
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a page with curves and the worst pairs there, and JSON beside it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for other programs.")
@click.option("--save", is_flag=True, help="Write the figures into each model's model.toml.")
def evaluate(
    sets: tuple[Path, ...],
    *,
    model: tuple[str, ...],
    detector: tuple[str, ...],
    crop: tuple[str, ...],
    mirror: bool,
    centre: bool,
    root: Path | None,
    target: float | None,
    gallery: int | None,
    false_alarms: float,
    report: Path | None,
    as_json: bool,
    save: bool,
) -> None:
    """Judge models on labelled photographs: verification, search, failures to detect.

    Each SET is a folder with a subfolder for each person, in whose photographs that person's face
    is the largest (photographs directly in the folder show groups: all faces of one are of
    different people); or a CSV without a heading, of two paths, `same` or `different` and, if
    wanted, a group's name in each line; or LFW's pairs.txt, whose photographs lie in `lfw` beside
    it.

    --save keeps thresholds as they are unless --target or --gallery chooses them.
    """
    from faceserver.cli.candidates import load_candidates
    from faceserver.evaluation.data import read_sets
    from faceserver.evaluation.verification import per_comparison

    settings = load_settings()
    labelled = [each for path in sets for each in read_sets(path, root=root, central=centre)]
    candidates = load_candidates(settings, model, detector, crop, mirror=mirror)
    judgements = _judged(candidates, labelled)
    rate = per_comparison(false_alarms, gallery) if gallery else target
    found = [_calibrated(each, judgements, rate) for each in candidates]
    if as_json:
        click.echo(json.dumps(_as_json(judgements, candidates, found), indent=2))
    else:
        _print(judgements, candidates, found)
    if report:
        _write_report(report, judgements, _as_json(judgements, candidates, found))
    if save:
        _save(settings, candidates, found)


def _judged(
    candidates: "Sequence[Candidate]", labelled: "Sequence[LabelledSet]"
) -> "list[Judgement]":
    """The judgement of each candidate on each set; each detector looks at each photograph once."""
    from faceserver.evaluation.embedding import embed_photographs
    from faceserver.evaluation.judge import judge

    photographs = list(dict.fromkeys(path for each in labelled for path in each.photographs))
    groups = list(dict.fromkeys(path for each in labelled for path in each.groups))
    central = {path for each in labelled if each.central for path in each.photographs}
    vectors: dict[str, Vectors] = {}
    for name in dict.fromkeys(each.detector_name for each in candidates):
        of = [each for each in candidates if each.detector_name == name]
        with progress(f"Embedding, {name}", len(photographs) + len(groups)) as advance:
            made = embed_photographs(
                of[0].detector,
                [each.embedder for each in of],
                photographs,
                groups,
                central=central,
                advance=advance,
            )
        vectors |= {each.name: rows for each, rows in zip(of, made, strict=True)}
    with progress("Comparing", len(labelled) * len(candidates)) as advance:
        judgements = []
        for each in labelled:
            for one in candidates:
                threshold = one.embedder.distances.threshold
                judgements.append(judge(one.name, threshold, vectors[one.name], each))
                advance(1)
    return judgements


def _calibrated(
    candidate: "Candidate", judgements: "Sequence[Judgement]", rate: float | None
) -> "Distances":
    """What the candidate's distances mean on all sets together."""
    from faceserver.evaluation.calibration import cautious_threshold, fit_similarity, measured
    from faceserver.models.distances import Distances

    own = [each for each in judgements if each.candidate == candidate.name]
    whole = [each for each in own if not each.labelled.part_of]
    counts = [each.counts for each in whole]
    threshold = candidate.embedder.distances.threshold
    if rate:
        threshold = cautious_threshold([each.counts for each in own], rate)
    return Distances(
        threshold=threshold,
        calibration=_about(candidate, whole, rate),
        similarity=fit_similarity(counts, [step / 20 for step in range(6, 31)]),
        measured=tuple(measured(each, threshold) for each in own),
    )


def _about(candidate: "Candidate", whole: "Sequence[Judgement]", rate: float | None) -> str:
    same = sum(each.verification.same_pairs for each in whole)
    different = sum(each.verification.different_pairs for each in whole)
    sets = ", ".join(
        f"{each.labelled.name} ({counted(len(each.labelled.photographs), 'photograph')})"
        for each in whole
    )
    text = (
        f"faceserver evaluate on {datetime.now(UTC):%Y-%m-%d} with the detector "
        f"{candidate.detector_name}: {sets}; {same:,} pairs of the same person, {different:,} of "
        "different people"
    )
    if rate:
        text += f"; at the threshold no set has a false match rate above {rate:.2g}"
    return text


def _as_json(
    judgements: "Sequence[Judgement]",
    candidates: "Sequence[Candidate]",
    found: "Sequence[Distances]",
) -> dict[str, object]:
    from faceserver.evaluation.report import as_json

    return {
        "judgements": as_json(judgements),
        "calibrations": [
            {"model": each.name, **distances.model_dump(mode="json")}
            for each, distances in zip(candidates, found, strict=True)
        ],
    }


def _print(
    judgements: "Sequence[Judgement]",
    candidates: "Sequence[Candidate]",
    found: "Sequence[Distances]",
) -> None:
    from faceserver.evaluation.report import HEADS, cells

    for path, reason in _failures(judgements):
        click.echo(f"{path}: skipped: {reason}")
    click.echo(table(HEADS, [cells(each) for each in judgements]))
    for candidate, distances in zip(candidates, found, strict=True):
        curve = distances.similarity
        if curve is None:
            continue
        click.echo(
            f"\n{candidate.name}: threshold {distances.threshold:.2f}, "
            f"similarity 0.5 at {curve.midpoint:.3f}, steepness {curve.steepness:.2f}"
        )
        rates = [
            (
                f"{rate.threshold:.2f}",
                f"{curve.of(rate.threshold):.3f}",
                f"{rate.false_match:.3%}",
                f"{rate.false_non_match:.2%}",
            )
            for rate in curve.rates
        ]
        click.echo(table(("threshold", "similarity", "false match", "false non-match"), rates))


def _failures(judgements: "Sequence[Judgement]") -> Iterable[tuple[Path, str]]:
    return dict.fromkeys(failure for each in judgements for failure in each.failures)


def _write_report(
    path: Path, judgements: "Sequence[Judgement]", figures: dict[str, object]
) -> None:
    from faceserver.evaluation.report import as_html
    from faceserver.runtime.atomic_files import write_atomically

    beside = path.with_suffix(".json")
    write_atomically(path, as_html(judgements).encode())
    write_atomically(beside, (json.dumps(figures, indent=2) + "\n").encode())
    click.echo(f"Written to {path} and {beside}", err=True)


def _save(
    settings: Settings, candidates: "Sequence[Candidate]", found: "Sequence[Distances]"
) -> None:
    """Keep of each model what it does as it is described, with the first detector."""
    from faceserver.evaluation.calibration import with_calibration

    written: set[str] = set()
    for candidate, distances in zip(candidates, found, strict=True):
        if candidate.variant or candidate.folder in written:
            continue
        written.add(candidate.folder)
        path = settings.models_dir / candidate.folder / "model.toml"
        text = path.read_text(encoding="utf-8")
        path.write_text(with_calibration(text, distances), encoding="utf-8")
        click.echo(f"Written to {path}", err=True)
