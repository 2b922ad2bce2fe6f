"""``faceserver bench-detect`` and ``tune-detect``: how well faces are found."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from faceserver.cli.output import progress
from faceserver.config import load_settings

if TYPE_CHECKING:  # loaded where they are used, so that --help answers at once
    from faceserver.models.spec import OptionValue
    from faceserver.tools.detection import Summary

_ANNOTATIONS = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(name="bench-detect")
@click.argument("annotations", type=_ANNOTATIONS)
@click.option(
    "--detector", "detectors", multiple=True, help="Model; may come several times.  [default: set]"
)
@click.option("--rounds", type=click.IntRange(1, 100), default=3, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for other programs.")
def bench_detect(annotations: Path, detectors: tuple[str, ...], rounds: int, as_json: bool) -> None:
    """Measure detectors on photographs in which noses are marked.

    ANNOTATIONS is JSON beside the photographs: {"noses": {"a.jpg": [[x, y], ...]}}, in pixels of
    the upright photograph. Told are recall, precision, false faces, how far noses lie from their
    marks (in sides of the face's box), and the time of a photograph.
    """
    from faceserver.app import make_detector
    from faceserver.tools.detection import judge, read_annotations, summary

    photographs = read_annotations(annotations)
    rows = []
    for name in detectors or (load_settings().detector,):
        detector = make_detector(load_settings(detector=name))
        with progress(name, len(photographs)) as advance:
            judged = judge(detector, photographs, rounds=rounds, advance=advance)
        rows.append((name, summary(judged), judged))
    if as_json:
        found = [
            {"detector": name, **_figures(total), "photographs": [asdict(each) for each in judged]}
            for name, total, judged in rows
        ]
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    click.echo(_HEADING)
    for name, total, judged in rows:
        click.echo(_line(name, total))
        for each in judged:
            if each.found < each.marked or each.false:
                lost = each.marked - each.found
                click.echo(f"    {each.name}: {lost} missed, {len(each.false)} false")


@click.command(name="tune-detect")
@click.argument("annotations", type=_ANNOTATIONS)
@click.option("--detector", help="Model.  [default: FACESERVER_DETECTOR]")
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="NAME=A,B,...",
    help="An option and the values to try; may come several times.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for other programs.")
def tune_detect(
    annotations: Path, detector: str | None, options: tuple[str, ...], as_json: bool
) -> None:
    """Try a detector's options on photographs in which noses are marked, and name the best.

    The best has the highest harmonic mean of recall and precision; of equals the fastest. For
    ANNOTATIONS see `faceserver bench-detect --help`.
    """
    from faceserver.app import detector_spec, make_detector
    from faceserver.tools.detection import USUAL_GRIDS, grid, judge, read_annotations, summary

    settings = load_settings(detector=detector)
    photographs = read_annotations(annotations)
    tried = _tried(options)
    if not tried:
        usual = USUAL_GRIDS.get(detector_spec(settings).architecture, {})
        tried = {name: list(values) for name, values in usual.items()}
    choices = list(grid(tried))
    rows = []
    with progress("Trying", len(choices) * len(photographs)) as advance:
        for choice in choices:
            found = judge(make_detector(settings, choice), photographs, advance=advance)
            rows.append((choice, summary(found)))
    rows.sort(key=lambda row: (-row[1].f1, row[1].milliseconds))
    if as_json:
        listed = [{"options": choice, **_figures(total)} for choice, total in rows]
        click.echo(json.dumps(listed, indent=2))
        return
    click.echo(_HEADING)
    for choice, total in rows:
        click.echo(_line(" ".join(f"{name}={value}" for name, value in choice.items()), total))
    click.echo(f"best: FACESERVER_DETECTOR_OPTIONS='{json.dumps(rows[0][0])}'")


_HEADING = "recall  precision  false (sure)  points off by  ms"


def _line(name: str, total: "Summary") -> str:
    false = f"{total.false} ({total.sure_false})"
    return (
        f"{total.recall:6.3f}  {total.precision:9.3f}  {false:>12}  "
        f"{total.points_error:13.3f}  {total.milliseconds:6.1f}  {name}"
    )


def _figures(total: "Summary") -> dict[str, float]:
    return {
        **asdict(total),
        "recall": round(total.recall, 4),
        "precision": round(total.precision, 4),
        "f1": round(total.f1, 4),
    }


def _tried(options: tuple[str, ...]) -> dict[str, list["OptionValue"]]:
    from faceserver.errors import InvalidRequest

    tried: dict[str, list[OptionValue]] = {}
    for option in options:
        name, equals, values = option.partition("=")
        if not equals or not values:
            raise InvalidRequest(f"{option!r} is not NAME=A,B,...")
        tried[name] = [_number(value) for value in values.split(",")]
    return tried


def _number(text: str) -> "OptionValue":
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() and "." not in text else number


COMMANDS = (bench_detect, tune_detect)
