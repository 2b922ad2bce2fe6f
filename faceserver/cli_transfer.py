"""The commands that move things in and out: register, import, export, backup, restore, check."""

import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from faceserver.config import load_settings

if TYPE_CHECKING:  # loaded where they are used, so that --help answers at once
    from faceserver.transfer.exporting import Advance
    from faceserver.transfer.pictures import Outcome

_EXISTING = click.Path(exists=True, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_NEW_FILE = click.Path(dir_okay=False, path_type=Path)


def counted(number: int, noun: str) -> str:
    """A number and its noun, such as ``2 faces``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


class _Tally:
    """Counts what became of pictures."""

    def __init__(self) -> None:
        self.faces = self.stored = self.present = 0
        self.refused: list[dict[str, str]] = []

    def add(self, outcome: "Outcome") -> str:
        """Count one; return it as a line."""
        from faceserver.registrar import Refused, Registered

        if isinstance(outcome, Refused):
            error = outcome.error
            self.refused.append({"source": outcome.name, "code": error.code, "reason": str(error)})
            return f"{outcome.name}: refused: {error} ({error.code})"
        if isinstance(outcome, Registered):
            self.stored += 1
            self.faces += len(outcome.faces)
            return f"{outcome.name}: {counted(len(outcome.faces), 'face')}"
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
        if self.refused:
            raise SystemExit(1)


@click.command()
@click.argument("paths", nargs=-1, required=True, type=_EXISTING)
def register(paths: tuple[Path, ...]) -> None:
    """Store every face of pictures: files, or folders with all that is below them.

    What a picture is refused for is printed beside its name; the others are stored all the same,
    and the exit status is then 1. A picture that is in already is not stored again.
    """
    from faceserver.app import open_service
    from faceserver.transfer.pictures import Item, PictureImporter
    from faceserver.transfer.sources import as_text, pictures_below, read_file

    settings = load_settings()
    read = partial(read_file, max_bytes=settings.max_file_bytes)
    files = [file for path in paths for file in (pictures_below(path) if path.is_dir() else [path])]
    if not files:
        raise click.ClickException("there is no picture in these folders")
    tally = _Tally()
    with closing(open_service(settings)) as service:
        items = [Item(as_text(path), partial(read, path)) for path in files]
        for done, outcome in enumerate(PictureImporter(service.registrar()).run(items), start=1):
            click.echo(f"[{done}/{len(files)}] {tally.add(outcome)}")
    tally.finish()


@click.command("import")
@click.argument("path", type=_EXISTING)
@click.option("--collection", help="Where to; made if it is missing.  [default: default]")
@click.option("--jobs", type=click.IntRange(1, 64), help="Pictures at a time.  [default: cores]")
@click.option("--report", type=click.File("w", encoding="utf-8"), help="JSON lines of what failed.")
@click.option("--no-people", is_flag=True, help="Subfolders are no people's names.")
@click.option("--largest", is_flag=True, help="A named picture's largest face is the person.")
def import_(
    path: Path,
    *,
    collection: str | None,
    jobs: int | None,
    report: IO[str] | None,
    no_people: bool,
    largest: bool,
) -> None:
    r"""Take in pictures, or what `faceserver export` has written.

    \b
    PATH is
      a folder    one subfolder a person, or flat
      a .zip      the same, packed; or an archive of faceserver
      a .csv      with the columns path or url, and if you like person, tags, external_id
      a .jsonl    an object a line with the same names

    What is in already is passed over, so an interrupted import is simply started again. A picture
    with a person's name and several faces is refused, unless --largest is given.
    """
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
    from faceserver.transfer.zips import ZipReader

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
        _progress("Pictures", source.count) as advance,
    ):
        importer = PictureImporter(
            service.registrar(collection or DEFAULT),
            jobs=jobs or len(os.sched_getaffinity(0)),
            largest=largest,
        )
        for outcome in importer.run(source.items):
            tally.add(outcome)
            advance(1)


def _import_archive(path: Path) -> None:
    from faceserver.app import open_gallery
    from faceserver.transfer.archive import ArchiveReader
    from faceserver.transfer.contract import find_contracts
    from faceserver.transfer.importing import import_archive

    settings = load_settings()
    with ArchiveReader(path) as archive, closing(open_gallery(settings)) as store:
        steps = 2 * sum(entry.faces for entry in archive.manifest.collections)
        with _progress("Checking and storing", steps) as advance:
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


@click.command()
@click.argument("file", type=_NEW_FILE)
@click.option("--collection", "names", multiple=True, help="Only this one; may be repeated.")
def export(file: Path, names: tuple[str, ...]) -> None:
    """Write collections with people, faces, vectors and pictures to one archive (a zip).

    `faceserver import` takes it back with all ids and times.
    """
    from faceserver.app import open_gallery
    from faceserver.transfer.contract import find_contracts
    from faceserver.transfer.exporting import export_archive

    settings = load_settings()
    with closing(open_gallery(settings)) as store:
        faces = sum(store.collection(name).count() for name in names or store.collections())
        with _progress("Faces", faces) as advance:
            done = export_archive(
                store,
                store.pictures,
                file,
                contracts=find_contracts(settings.models_dir),
                names=names,
                advance=advance,
            )
    click.echo(
        f"{counted(done.collections, 'collection')}, {counted(done.subjects, 'subject')}, "
        f"{counted(done.faces, 'face')}, {counted(done.pictures, 'picture')}: {file}"
    )
    _tell_missing(done.missing)


@click.command()
@click.argument("file", type=_NEW_FILE)
def backup(file: Path) -> None:
    """Write a backup of the data folder to FILE; the server may run meanwhile."""
    from faceserver.transfer.backup import back_up

    done = back_up(load_settings().data_dir, file)
    click.echo(f"{counted(done.pictures, 'picture')} and all faces: {file}")
    _tell_missing(done.missing)


@click.command()
@click.argument("file", type=_FILE)
@click.option("--force", is_flag=True, help="Move a gallery that is there aside.")
def restore(file: Path, force: bool) -> None:
    """Put a backup into the data folder; the server is stopped meanwhile."""
    from faceserver.transfer.backup import restore as put_back

    folder = load_settings().data_dir
    aside = put_back(file, folder, force=force)
    click.echo(f"Restored into {folder}.")
    if aside:
        click.echo(f"What was there is in {aside}: remove it when you do not need it any more.")


@click.command()
@click.option("--repair", is_flag=True, help="Mend what is found, as far as that is possible.")
def check(repair: bool) -> None:
    """Verify the whole data folder: rows, vectors, pictures, indexes; the server is stopped.

    The exit status is 1 where something is wrong and was not mended.
    """
    from faceserver.transfer.check import check_folder

    findings = check_folder(load_settings().data_dir, repair=repair)
    for finding in findings:
        click.echo(f"{finding.what}{f': {finding.mended}' if finding.mended else ''}")
    mended = sum(bool(finding.mended) for finding in findings)
    click.echo(f"{counted(len(findings), 'fault')} found, {mended} mended.")
    if mended < len(findings):
        raise SystemExit(1)


COMMANDS = (register, import_, export, backup, restore, check)


def _tell_missing(names: Iterable[str]) -> None:
    for name in names:
        click.echo(f"the picture {name} is missing; `faceserver check` tells more", err=True)


@contextmanager
def _progress(label: str, count: int) -> Iterator["Advance"]:
    """A bar with rate and time left, where somebody sees it."""
    started = time.monotonic()
    with click.progressbar(
        length=count,
        label=label,
        show_pos=True,
        show_eta=True,
        item_show_func=lambda rate: rate,
    ) as bar:
        done = 0

        def advance(more: int) -> None:
            nonlocal done
            done += more
            seconds = max(time.monotonic() - started, 1e-6)
            bar.update(more, f"{done / seconds:.1f}/s")

        yield advance
