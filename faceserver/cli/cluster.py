"""``faceserver cluster``: sorts a folder's photographs by the people in them."""

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from faceserver.cli.output import counted, progress
from faceserver.config import load_settings

if TYPE_CHECKING:  # loaded where it is used, so that --help answers at once
    from faceserver.tools.clustering import Seen, Sorted


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folders, one each.")
@click.option(
    "--copies", is_flag=True, help="Copy the photographs there; otherwise they are links."
)
@click.option("--html", "page", type=click.Path(dir_okay=False, path_type=Path), help="A page.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for other programs.")
@click.option(
    "--threshold",
    type=click.FloatRange(0, 4, min_open=True),
    help="Squared L2 distance.  [default: the model's]",
)
@click.option(
    "--least",
    type=click.IntRange(1),
    default=2,
    show_default=True,
    help="Photographs in which a person must be seen.",
)
@click.option("--model", help="Embedding model.  [default: FACESERVER_MODEL]")
@click.option("--detector", help="Detection model.  [default: FACESERVER_DETECTOR]")
def cluster(
    folder: Path,
    out: Path | None,
    page: Path | None,
    model: str | None,
    detector: str | None,
    *,
    copies: bool,
    as_json: bool,
    threshold: float | None,
    least: int,
) -> None:
    """Group the photographs of FOLDER, and of all folders in it, by the people whom they show.

    Nothing is stored and no photograph is changed. Faces are joined, nearest first, as long as two
    groups are nearer to each other on average than the threshold.
    """
    from faceserver.app import make_analyzer
    from faceserver.errors import InvalidRequest
    from faceserver.runtime.private_files import write_privately
    from faceserver.tools.clustering import look, report, sort, write_folders
    from faceserver.transfer.files import read_file
    from faceserver.transfer.walk import files_below

    settings = load_settings(model=model, detector=detector)
    if out and out.exists() and any(out.iterdir()):
        raise InvalidRequest(f"{out} is not empty: choose an empty or a new folder")
    photographs = files_below(folder).pictures
    analyzer = make_analyzer(settings)
    with progress("Looking", len(photographs)) as advance:
        seen = look(
            analyzer,
            photographs,
            partial(read_file, max_bytes=settings.max_file_bytes),
            max_pixels=settings.max_pixels,
            thumbnails=page is not None,
            advance=advance,
        )
    limit = threshold or settings.distance_threshold or analyzer.embedder.distances.threshold
    found = sort(seen, threshold=limit, least=least)
    if out:
        write_folders(seen, found, out, copies=copies)
    if page:
        try:
            write_privately(page, report(seen, found, threshold=limit).encode())
        except OSError as error:
            raise InvalidRequest(f"{page} cannot be written: {error.strerror}") from error
    if as_json:
        click.echo(json.dumps(_listed(seen, found, limit), indent=2, ensure_ascii=False))
    else:
        _tell(seen, found)


def _tell(seen: "Seen", found: "Sorted") -> None:
    for number, person in enumerate(found.people, start=1):
        names = dict.fromkeys(seen.faces[place].photograph.name for place in person)
        click.echo(f"person {number}: {', '.join(names)}")
    for path, reason in seen.unread:
        click.echo(f"{path}: refused: {reason}", err=True)
    people = "1 person" if len(found.people) == 1 else f"{len(found.people)} people"
    click.echo(
        f"{people} in {counted(len(seen.faces), 'face')}; "
        f"{counted(len(found.alone), 'face')} of people seen too rarely, "
        f"{counted(len(seen.without), 'photograph')} without a face, "
        f"{len(seen.unread)} refused."
    )


def _listed(seen: "Seen", found: "Sorted", threshold: float) -> dict[str, object]:
    def names(places: tuple[int, ...]) -> list[str]:
        return [str(seen.faces[place].photograph) for place in places]

    return {
        "threshold": threshold,
        "people": [names(person) for person in found.people],
        "alone": names(found.alone),
        "without_face": [str(path) for path in seen.without],
        "refused": [{"photograph": str(path), "reason": why} for path, why in seen.unread],
    }
