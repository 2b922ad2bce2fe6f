"""The command ``faceserver evaluate``: what a model's distances mean."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from faceserver.config import load_settings

if TYPE_CHECKING:  # loaded where they are used, so that --help answers at once
    from faceserver.models.spec import SimilarityCurve
    from faceserver.services.calibrating import Measured


@click.command()
@click.argument("pairs", type=click.Path(exists=True, path_type=Path))
@click.option("--save", is_flag=True, help="Write the calibration into the model's model.toml.")
def evaluate(pairs: Path, save: bool) -> None:
    """Measure the model that is set on labelled PAIRS, and calibrate its similarity.

    PAIRS is a CSV without a heading, of two paths and `same` or `different` a line; or a folder
    with a subfolder for each person, in whose photographs that person's face is the largest.
    Photographs directly in the folder show groups: all faces of one are of different people.
    """
    import numpy as np

    from faceserver.app import make_analyzer
    from faceserver.services.calibrating import calibrate, measure, read_labels, with_similarity

    settings = load_settings()
    labelled = read_labels(pairs)
    with click.progressbar(length=len(labelled.photographs()), label="Embedding") as bar:
        measured = measure(make_analyzer(settings), labelled, advance=bar.update)
    curve = calibrate(measured, np.arange(0.3, 1.45, 0.05).tolist())
    _print(measured, curve)
    if save:
        path = settings.models_dir / settings.model / "model.toml"
        text = path.read_text(encoding="utf-8")
        path.write_text(with_similarity(text, curve), encoding="utf-8")
        click.echo(f"Written to {path}")


def _print(measured: "Measured", curve: "SimilarityCurve") -> None:
    import numpy as np

    from faceserver.services.calibrating import roc_area

    for path, reason in measured.skipped:
        click.echo(f"{path}: skipped: {reason}")
    same, different = measured.same, measured.different
    click.echo(
        f"{len(same)} pairs of the same person: median {np.median(same):.2f}, most {same.max():.2f}"
    )
    click.echo(
        f"{len(different)} pairs of different people: "
        f"median {np.median(different):.2f}, least {different.min():.2f}"
    )
    click.echo(f"area under the ROC curve: {roc_area(measured):.4f}")
    click.echo(f"similarity 0.5 at {curve.midpoint}, steepness {curve.steepness}")
    click.echo("threshold  similarity  false match  false non-match")
    for rate in curve.rates:
        click.echo(
            f"{rate.threshold:9.2f}  {curve.of(rate.threshold):10.3f}  "
            f"{rate.false_match:11.2%}  {rate.false_non_match:15.2%}"
        )
