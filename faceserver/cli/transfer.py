"""The commands that move things in and out: register, import, export."""

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from faceserver.cli.backup import tell_missing
from faceserver.cli.galleries import require_gallery
from faceserver.cli.output import PrivateFile, Stages, counted, progress
from faceserver.cli.remote import import_at, register_at, server_option
from faceserver.cli.tally import Tally
from faceserver.config import load_settings
from faceserver.runtime.threads import pictures_at_once

if TYPE_CHECKING:  # loaded where it is used, so that --help answers at once
    from faceserver.runtime.progress import Advance
    from faceserver.transfer.leftout import LeftOut
    from faceserver.transfer.sources import Source

_EXISTING = click.Path(exists=True, path_type=Path)
_NEW_FILE = click.Path(dir_okay=False, path_type=Path)


@dataclass(frozen=True)
class _Ways:
    """How pictures are imported, and how that is told."""

    jobs: int
    largest: bool
    update: bool
    no_people: bool
    as_json: bool


@click.command()
@click.argument("paths", nargs=-1, required=True, type=_EXISTING)
@server_option
def register(paths: tuple[Path, ...], server: str | None) -> None:
    """Store every face in pictures: files, or folders including their subfolders.

    Refused pictures are printed with the reason; the others are stored, and the exit status is 1.
    Pictures that are already stored are skipped.
    """
    from faceserver.app import open_services
    from faceserver.services.outcomes import NewPicture, Rules
    from faceserver.store.base import DEFAULT
    from faceserver.transfer.files import read_file
    from faceserver.transfer.walk import as_text, files_at

    settings = load_settings()
    read = partial(read_file, max_bytes=settings.max_file_bytes)
    found = files_at(paths)
    if not found.pictures:
        raise click.ClickException(_no_picture(", ".join(map(str, paths)), found.left_out))
    if server:
        register_at(server, found)
        return
    with closing(open_services(settings)) as services:
        tally = Tally(found.left_out)
        pictures = [NewPicture(as_text(path), partial(read, path)) for path in found.pictures]
        outcomes = services.registering.stream(DEFAULT, pictures, Rules(at_once=pictures_at_once()))
        for done, outcome in enumerate(outcomes, start=1):
            click.echo(f"[{done}/{len(pictures)}] {tally.add(outcome)}")
    tally.finish()


@click.command("import")
@click.argument("path", type=_EXISTING)
@click.option(
    "--collection",
    metavar="NAME",
    help="Target collection; created if missing.  [default: default]",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    metavar="N",
    help="Pictures to process at the same time.  [default: two per core]",
)
@click.option(
    "--report",
    metavar="FILE",
    type=PrivateFile(),
    help="Write everything not imported, with reasons, to FILE as JSON lines.",
)
@click.option("--no-people", is_flag=True, help="Do not use subfolder names as people's names.")
@click.option(
    "--largest", is_flag=True, help="Of several faces in a person's picture, use the largest."
)
@click.option("--update", is_flag=True, help="Update person and tags of pictures already stored.")
@click.option(
    "--dry-run", is_flag=True, help="Only show which pictures and people would be imported."
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@server_option
def import_(
    path: Path,
    *,
    collection: str | None,
    jobs: int | None,
    report: IO[str] | None,
    no_people: bool,
    largest: bool,
    update: bool,
    dry_run: bool,
    as_json: bool,
    server: str | None,
) -> None:
    """Import pictures, or an archive of `faceserver export`.

    \b
    PATH is
      a folder    with one subfolder per person, or flat
      a .zip      of such a folder, or an archive written by `faceserver export`
      a .csv      with a column path or url, and optionally person, tags, external_id;
                  with url also username, password and scheme (auto, basic or digest)
      a .jsonl    with one object per line and the same names; with url also auth, an
                  object with the last three

    Pictures are recognised by their content. Other files, hidden files and system caches are
    left out and counted; --report lists each of them.

    Pictures that are already stored, under any name, are skipped, so an interrupted import is
    continued by running it again. If their person or tags differ, this is reported; --update
    applies them. A person's picture with several faces is refused unless --largest is given. The
    exit status is 1 if something was refused or could not be read.
    """  # noqa: D301 - click reads \b as "leave these lines as they are"
    if server:
        if jobs or report or no_people or dry_run or as_json:
            raise click.UsageError(
                "--server can only be combined with --collection, --largest and --update"
            )
        import_at(server, path, collection, largest=largest, update=update)
        return
    if _holds(path, "faceserver-backup.json"):
        raise click.ClickException(f"{path} is a backup: use `faceserver restore`")
    if _holds(path, "faceserver-archive.json"):
        if collection or no_people or largest or update or dry_run or as_json:
            raise click.UsageError(
                "an archive brings its own collections and people; these options do not apply"
            )
        _import_archive(path)
        return
    if dry_run:
        _tell(path, report, as_json=as_json, no_people=no_people)
        return
    ways = _Ways(jobs or pictures_at_once(), largest, update, no_people, as_json)
    _import_pictures(path, collection, report, ways)


def _holds(path: Path, name: str) -> bool:
    from faceserver.pictures.zips import ZipReader
    from faceserver.transfer.sources import is_zip

    if not path.is_file() or not is_zip(path):
        return False
    with ZipReader(path) as archive:
        return name in archive.names()


def _import_pictures(
    path: Path,
    collection: str | None,
    report: IO[str] | None,
    ways: _Ways,
) -> None:
    from faceserver.app import open_services
    from faceserver.services.outcomes import Rules
    from faceserver.store.base import DEFAULT
    from faceserver.transfer.sources import open_source

    settings = load_settings()
    with (
        closing(open_services(settings)) as services,
        open_source(
            path,
            fetch=services.context.fetch,
            max_bytes=settings.max_file_bytes,
            people=not ways.no_people,
        ) as source,
        _bar(path, source) as advance,
    ):
        tally = Tally(source.left_out, report)
        name = collection or DEFAULT
        services.collections.ensure(name)
        rules = Rules(largest=ways.largest, update=ways.update, at_once=ways.jobs)
        try:
            for outcome in services.registering.stream(name, source.items, rules):
                tally.add(outcome)
                advance(1)
        finally:  # also of what was done before an error
            for line in tally.problems():
                click.echo(line, err=True)
    tally.finish(as_json=ways.as_json)


def _bar(path: Path, source: "Source") -> AbstractContextManager["Advance"]:
    if not source.count:
        raise click.ClickException(_no_picture(str(path), source.left_out))
    return progress("Pictures", source.count)


def _no_picture(place: str, left_out: Sequence["LeftOut"]) -> str:
    from faceserver.transfer.leftout import told

    hint = f"; left out: {told(left_out)}" if left_out else ""
    return f"no picture found in {place}{hint}"


def _tell(path: Path, report: IO[str] | None, *, as_json: bool, no_people: bool) -> None:
    """Tell what an import would look at, without doing it."""
    from faceserver.transfer.leftout import told
    from faceserver.transfer.sources import open_source

    with open_source(path, fetch=_no_fetch, max_bytes=0, people=not no_people) as source:
        people = source.people or Counter(item.person for item in source.items)
        Tally(source.left_out, report)
        if as_json:
            nobody = people.pop(None, 0)
            reasons = Counter(item.reason for item in source.left_out)
            sums = {"pictures": source.count, "people": people, "nobody": nobody}
            click.echo(json.dumps({**sums, "left_out": reasons}, ensure_ascii=False))
            return
        click.echo(f"{counted(source.count, 'picture')} would be imported.")
        for name, count in sorted(people.items(), key=lambda pair: pair[0] or ""):
            click.echo(f"  {count:6}  {name or '(no person)'}")
        if source.left_out:
            click.echo(f"Left out: {told(source.left_out)}.")


def _no_fetch(_url: str, _credentials: object = None, /) -> bytes:
    raise NotImplementedError("URLs are not fetched in a dry run")


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
        f"{counted(done.present, 'face')} already stored."
    )
    if done.mended:
        click.echo(
            f"{counted(done.mended, 'item')} had an invalid name, tag or external id; invalid "
            "characters were removed."
        )
    if done.merges:
        click.echo(f"{counted(done.merges, 'merge')} can still be undone.")


@click.command()
@click.argument("file", type=_NEW_FILE)
@click.option(
    "--collection",
    "names",
    metavar="NAME",
    multiple=True,
    help="Export only this collection; may be repeated.",
)
def export(file: Path, names: tuple[str, ...]) -> None:
    """Export the gallery to one archive, a zip file.

    It contains people, faces, embeddings, pictures, and merges that can be undone.
    `faceserver import` restores it with all ids and times.
    """
    from faceserver.app import open_gallery
    from faceserver.transfer.contract import find_contracts
    from faceserver.transfer.exporting import export_archive, refuse_existing

    settings = load_settings()
    require_gallery(settings)
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
        click.echo(f"Includes {counted(done.merges, 'merge')} that can be undone.")
    tell_missing(done.missing)


COMMANDS = (register, import_, export)
