"""``faceserver stress-memory``: whether recognition holds its memory."""

import json
from functools import partial
from pathlib import Path

import click

from faceserver.cli.output import progress
from faceserver.config import load_settings


@click.command(name="stress-memory")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--rounds", type=click.IntRange(2, 100_000), default=20, show_default=True)
@click.option("--most", type=click.IntRange(1), default=50, show_default=True, help="Pictures.")
@click.option("--attributes", default="", help="Attributes to compute: age,gender,pose,quality,...")
@click.option("--model", help="Embedding model.  [default: FACESERVER_MODEL]")
@click.option("--detector", help="Detection model.  [default: FACESERVER_DETECTOR]")
@click.option(
    "--limit",
    type=click.FloatRange(0),
    help="Megabytes by which the second half of the rounds may grow; more is exit status 1.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for other programs.")
def stress_memory(
    paths: tuple[Path, ...],
    rounds: int,
    most: int,
    attributes: str,
    *,
    model: str | None,
    detector: str | None,
    limit: float | None,
    as_json: bool,
) -> None:
    """Recognize the faces of pictures again and again, and tell how much memory it holds.

    The pictures, files or folders, are decoded once. Told are the megabytes that the process holds
    with the models loaded, at most, and by how much the second half of the rounds grew.
    """
    from faceserver.app import make_analyzer
    from faceserver.pictures import codec
    from faceserver.tools.memory import stress
    from faceserver.transfer.files import read_file
    from faceserver.transfer.walk import files_at

    settings = load_settings(model=model, detector=detector)
    read = partial(read_file, max_bytes=settings.max_file_bytes)
    decode = partial(
        codec.decode, max_bytes=settings.max_file_bytes, max_pixels=settings.max_pixels
    )
    files = files_at(paths).pictures
    pictures = [decode(read(file)).image for file in files[:most]]
    analyzer = make_analyzer(settings)
    names = analyzer.attributes.wanted(name.strip() for name in attributes.split(",") if name)
    with progress("Rounds", rounds * len(pictures)) as advance:
        used = stress(analyzer, pictures, rounds=rounds, attributes=names, advance=advance)
    if as_json:
        found = {"loaded": used.loaded, "rounds": used.rounds, "growth": used.growth}
        click.echo(json.dumps({"pictures": used.pictures, "unit": "MB", **found}, indent=2))
    else:
        click.echo(
            f"{used.loaded:.0f} MB with the models loaded, {used.peak:.0f} MB at most, "
            f"{used.growth:+.1f} MB in the second half of {rounds} rounds of "
            f"{used.pictures} pictures"
        )
    if limit is not None and used.growth > limit:
        raise SystemExit(1)
