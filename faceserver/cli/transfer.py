"""The commands that move things in and out: register, import, export."""

import json
import time
from contextlib import AbstractContextManager, closing
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from faceserver.cli.backup import tell_missing
from faceserver.cli.output import Stages, counted, progress
from faceserver.cli.remote import import_at, register_at, server_option
from faceserver.config import load_settings
from faceserver.runtime.threads import pictures_at_once

if TYPE_CHECKING:  # loaded where it is used, so that --help answers at once
    from faceserver.runtime.progress import Advance
    from faceserver.transfer.pictures import Outcome

_EXISTING = click.Path(exists=True, path_type=Path)
_NEW_FILE = click.Path(dir_okay=False, path_type=Path)


class _Tally:
    """Counts what became of pictures."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.faces = self.stored = self.present = 0
        self.refused: list[dict[str, str]] = []

    def add(self, outcome: "Outcome") -> str:
        """Count one; return it as a line."""
        from faceserver.services.registering import Refused, Registered

        if isinstance(outcome, Refused):
            error = outcome.error
            self.refused.append({"source": outcome.name, "code": error.code, "reason": str(error)})
            return f"{outcome.name}: refused: {error} ({error.code})"
        if isinstance(outcome, Registered):
            self.stored += 1
            self.faces += len(outcome.faces)
            notes = "".join(f", {note.replace('_', ' ')}" for note in outcome.notes)
            return f"{outcome.name}: {counted(len(outcome.faces), 'face')}{notes}"
        self.present += 1
        return f"{outcome.name}: is in already"

    def finish(self) -> None:
        """Print the sum; exit with status 1 where something was refused."""
        click.echo(
            f"{counted(self.faces, 'face')} of {counted(self.stored, 'picture')} stored, "
            f"{len(self.refused)} refused."
        )
        if self.present:
            click.echo(f"{counted(self.present, 'picture')} in already.")
        seconds = max(time.monotonic() - self.started, 1e-6)
        pictures = self.stored + self.present + len(self.refused)
        click.echo(f"It took {seconds:.1f} s, {pictures / seconds:.1f} pictures a second.")
        if self.refused:
            raise SystemExit(1)


@click.command()
@click.argument("paths", nargs=-1, required=True, type=_EXISTING)
@server_option
def register(paths: tuple[Path, ...], server: str | None) -> None:
    """Store every face of pictures: files, or folders with all that is below them.

    What a picture is refused for is printed beside its name; the others are stored all the same,
    and the exit status is then 1. A picture that is in already is not stored again; a server that
    is asked stores it again.
    """
    from faceserver.app import open_service
    from faceserver.transfer.pictures import Item, PictureImporter
    from faceserver.transfer.sources import as_text, pictures_below, read_file

    settings = load_settings()
    read = partial(read_file, max_bytes=settings.max_file_bytes)
    files = [file for path in paths for file in (pictures_below(path) if path.is_dir() else [path])]
    if not files:
        raise click.ClickException(f"there is no picture in {', '.join(map(str, paths))}")
    if server:
        register_at(server, files)
        return
    with closing(open_service(settings)) as service:
        tally = _Tally()
        items = [Item(as_text(path), partial(read, path)) for path in files]
        importer = PictureImporter(service.registrar(), jobs=pictures_at_once())
        for done, outcome in enumerate(importer.run(items), start=1):
            click.echo(f"[{done}/{len(files)}] {tally.add(outcome)}")
    tally.finish()


@click.command("import")
@click.argument("path", type=_EXISTING)
@click.option(
    "--collection", metavar="NAME", help="Where to; made if it is missing.  [default: default]"
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    metavar="N",
    help="Pictures at a time.  [default: two a core]",
)
@click.option(
    "--report",
    metavar="FILE",
    type=click.File("w", encoding="utf-8"),
    help="Write what was not taken, and why, to FILE as JSON lines.",
)
@click.option("--no-people", is_flag=True, help="Subfolders are no people's names.")
@click.option("--largest", is_flag=True, help="A named picture's largest face is the person.")
@server_option
def import_(
    path: Path,
    *,
    collection: str | None,
    jobs: int | None,
    report: IO[str] | None,
    no_people: bool,
    largest: bool,
    server: str | None,
) -> None:
    """Take in pictures, or what `faceserver export` has written.

    \b
    PATH is
      a folder    one subfolder a person, or flat
      a .zip      the same, packed; or an archive of faceserver
      a .csv      with the columns path or url, and if you like person, tags, external_id
      a .jsonl    an object a line with the same names

    What is in already is passed over, so an interrupted import is simply started again. A picture
    with a person's name and several faces is refused, unless --largest is given. The exit status is
    1 where something was refused.
    """  # noqa: D301 - click reads \b as "leave these lines as they are"
    if server:
        if jobs or report or no_people:
            raise click.UsageError("--server takes --collection and --largest alone")
        import_at(server, path, collection, largest=largest)
        return
    if _holds(path, "faceserver-backup.json"):
        raise click.ClickException(f"{path} is a backup: `faceserver restore` takes it back")
    if _holds(path, "faceserver-archive.json"):
        if collection or no_people or largest:
            raise click.UsageError("an archive of faceserver brings collections and people along")
        _import_archive(path)
        return
    tally = _Tally()
    try:
        _import_pictures(path, collection, jobs, tally, no_people=no_people, largest=largest)
    finally:  # also of what was done before an error
        for entry in tally.refused:
            click.echo(f"{entry['source']}: {entry['reason']} ({entry['code']})", err=True)
            if report:
                report.write(json.dumps(entry, ensure_ascii=False) + "\n")
    tally.finish()


def _holds(path: Path, name: str) -> bool:
    from faceserver.pictures.zips import ZipReader

    if path.suffix.lower() != ".zip" or not path.is_file():
        return False
    with ZipReader(path) as archive:
        return name in archive.names()


def _import_pictures(
    path: Path,
    collection: str | None,
    jobs: int | None,
    tally: _Tally,
    *,
    no_people: bool,
    largest: bool,
) -> None:
    from faceserver.app import open_service
    from faceserver.store.base import DEFAULT
    from faceserver.transfer.pictures import PictureImporter
    from faceserver.transfer.sources import open_source

    settings = load_settings()
    with (
        closing(open_service(settings)) as service,
        open_source(
            path, fetch=service.fetch, max_bytes=settings.max_file_bytes, people=not no_people
        ) as source,
        _bar(path, source.count) as advance,
    ):
        tally.started = time.monotonic()
        importer = PictureImporter(
            service.registrar(collection or DEFAULT),
            jobs=jobs or pictures_at_once(),
            largest=largest,
        )
        for outcome in importer.run(source.items):
            tally.add(outcome)
            advance(1)


def _bar(path: Path, count: int) -> AbstractContextManager["Advance"]:
    if not count:
        raise click.ClickException(f"there is no picture in {path}")
    return progress("Pictures", count)


def _import_archive(path: Path) -> None:
    from faceserver.app import open_gallery
    from faceserver.transfer.archive import ArchiveReader
    from faceserver.transfer.contract import find_contracts
    from faceserver.transfer.importing import import_archive

    settings = load_settings()
    with ArchiveReader(path) as archive, closing(open_gallery(settings)) as store:
        steps = 2 * sum(entry.faces for entry in archive.manifest.collections)
        with progress("Checking and storing", steps) as advance:
            done = import_archive(
                archive,
                store,
                store.pictures,
                contracts=find_contracts(settings.models_dir),
                advance=advance,
            )
    click.echo(
        f"{counted(done.faces, 'face')} and {counted(done.subjects, 'subject')} stored, "
        f"{counted(done.present, 'face')} in already."
    )
    if done.merges:
        click.echo(f"{counted(done.merges, 'merge')} can be undone here too.")


@click.command()
@click.argument("file", type=_NEW_FILE)
@click.option(
    "--collection",
    "names",
    metavar="NAME",
    multiple=True,
    help="Only this one; may be repeated.",
)
def export(file: Path, names: tuple[str, ...]) -> None:
    """Write the gallery to one archive, a zip.

    It holds people, faces, vectors, pictures, and the merges that can be undone.
    `faceserver import` takes it back with all ids and times.
    """
    from faceserver.app import open_gallery
    from faceserver.transfer.contract import find_contracts
    from faceserver.transfer.exporting import export_archive, refuse_existing
    from faceserver.transfer.folder import database_in

    settings = load_settings()
    database_in(settings.data_dir)
    refuse_existing(file)
    with closing(open_gallery(settings)) as store, Stages() as stages:
        done = export_archive(
            store,
            store.pictures,
            file,
            contracts=find_contracts(settings.models_dir),
            names=names,
            begin=stages.begin,
        )
    click.echo(
        f"{counted(done.collections, 'collection')}, {counted(done.subjects, 'subject')}, "
        f"{counted(done.faces, 'face')}, {counted(done.pictures, 'picture')}: {file}"
    )
    if done.merges:
        click.echo(f"{counted(done.merges, 'merge')} that can be undone: along with them.")
    tell_missing(done.missing)


COMMANDS = (register, import_, export)
