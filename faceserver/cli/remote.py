"""What commands do with ``--server URL``: the same through a running server's API."""

import json
import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZIP_STORED, ZipFile

import click

from faceserver.cli.output import counted, progress
from faceserver.runtime.private_files import private

if TYPE_CHECKING:  # loaded where they are used, so that --help answers at once
    from faceserver.api.jobs import ItemState, Job, JobItem, JobResult, JobResults
    from faceserver.client import Client
    from faceserver.conditions import Condition
    from faceserver.transfer.leftout import LeftOut
    from faceserver.transfer.walk import Files

KEY_VARIABLE = "FACESERVER_KEY"

_DEFAULT = "default"
_ZIP_PICTURES = 500
_ZIP_BYTES = 50_000_000
_ASK_EVERY = 0.2  # seconds

server_option = click.option(
    "--server",
    metavar="URL",
    help=f"Use this server instead of the data folder; set {KEY_VARIABLE} to its API key.",
)
"""For the commands that can do either."""


def connect(url: str) -> "Client":
    """A client with the key of the environment."""
    from faceserver.client import Client

    return Client(url, key=os.environ.get(KEY_VARIABLE))


def register_at(url: str, found: "Files") -> None:
    """Store every face of pictures; print a line for each, and what was left out."""
    from faceserver.client import ApiError

    faces = refused = 0
    files = found.pictures
    with connect(url) as client:
        for done, path in enumerate(files, start=1):
            try:
                added = len(client.add_faces(_DEFAULT, path).faces)
            except ApiError as error:
                if error.problem is None:
                    raise
                refused += 1
                line = f"refused: {error} ({error.code})"
            else:
                faces += added
                line = counted(added, "face")
            click.echo(f"[{done}/{len(files)}] {path}: {line}")
    stored = counted(len(files) - refused, "picture")
    click.echo(f"{counted(faces, 'face')} of {stored} stored, {refused} refused.")
    _end(refused, found.left_out)


def search_at(
    url: str,
    picture: Path,
    collection: str | None,
    where: "Sequence[Condition]" = (),
    *,
    as_json: bool,
) -> None:
    """Find the people of a picture; print the verdict on each face, and its matches."""
    from faceserver.api.faces import SearchFilter

    only = SearchFilter(where=tuple(f"{each.name}:{each.text}" for each in where))
    with connect(url) as client:
        answer = client.search(collection or _DEFAULT, picture, k=100, only=only)
    if as_json:
        probes = [probe.model_dump(mode="json") for probe in answer.probes]
        click.echo(json.dumps(probes, indent=2, ensure_ascii=False))
        return
    for probe in answer.probes:
        click.echo(probe.verdict.answer)
        for match in probe.matches:
            person = match.person.name if match.person else "-"
            click.echo(f"{match.distance:.4f}  {person}  {match.face.source}")


def import_at(
    url: str, path: Path, collection: str | None, *, largest: bool, update: bool = False
) -> None:
    """Take in a folder, a zip or a list of URLs as jobs; show progress, and what was not taken."""
    name = collection or _DEFAULT
    stored = refused = faces = present = 0
    left_out: list[LeftOut] = []
    with connect(url) as client, tempfile.TemporaryDirectory() as folder:
        for pictures in _portions(path, Path(folder), left_out):
            begun = client.create_job(name, pictures, largest=largest, update=update)
            job = _finished(client, name, begun)
            stored, faces = stored + job.stored, faces + job.faces
            refused, present = refused + job.refused, present + job.present
            _tell_refused(client, name, job)
            left_out += _left_out(client, name, job)
            if job.state != "done":
                raise click.ClickException(f"the job is {job.state}: {job.reason}")
    click.echo(
        f"{counted(faces, 'face')} of {counted(stored, 'picture')} stored, {refused} refused."
    )
    if present:
        click.echo(f"{counted(present, 'picture')} already stored.")
    _end(refused, left_out)


def _end(refused: int, left_out: Sequence["LeftOut"]) -> None:
    """Tell what was left out; exit with status 1 where something could not be taken."""
    from faceserver.transfer.leftout import told

    if left_out:
        click.echo(f"Left out: {told(left_out)}.")
    if refused or any(item.is_fault for item in left_out):
        raise SystemExit(1)


def _portions(
    path: Path, folder: Path, left_out: "list[LeftOut]"
) -> "Iterator[Path | list[JobItem]]":
    """What is sent at a time: a zip, or URLs of a list."""
    from faceserver.transfer.lists import LISTS, listed_urls

    if path.suffix.lower() not in LISTS or path.is_dir():
        yield from _archives(path, folder, left_out)
        return
    items = list(listed_urls(path))  # nothing is sent of a list with a mistake in it
    for start in range(0, len(items), _ZIP_PICTURES):
        yield items[start : start + _ZIP_PICTURES]


def _archives(path: Path, folder: Path, left_out: "list[LeftOut]") -> Iterator[Path]:
    """The zip itself, or a folder's pictures in zips that a server takes."""
    from faceserver.transfer.sources import PEOPLE_FIRST, is_zip
    from faceserver.transfer.walk import as_text, files_below

    if path.is_file() and is_zip(path):
        yield path
        return
    if not path.is_dir():
        raise click.UsageError("--server requires a folder, a .zip, or a .csv or .jsonl with URLs")
    found = files_below(path)
    left_out += found.left_out
    for number, files in enumerate(_batches(found.pictures)):
        archive = folder / f"{number}.zip"
        with open(archive, "xb", opener=private) as new, ZipFile(new, "w", ZIP_STORED) as target:
            target.comment = PEOPLE_FIRST
            for file in files:
                target.write(file, as_text(file.relative_to(path)))
        yield archive
        archive.unlink()


def _batches(files: Iterable[Path]) -> Iterator[list[Path]]:
    batch: list[Path] = []
    size = 0
    for file in files:
        more = file.stat().st_size
        if batch and (len(batch) >= _ZIP_PICTURES or size + more > _ZIP_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += more
    if batch:
        yield batch


def _finished(client: "Client", collection: str, job: "Job") -> "Job":
    with progress("Importing", job.total) as advance:
        waiting = job.total
        while job.state in ("queued", "running"):
            time.sleep(_ASK_EVERY)
            job = client.get_job(collection, job.id)
            advance(waiting - job.waiting)
            waiting = job.waiting
    return job


def _tell_refused(client: "Client", collection: str, job: "Job") -> None:
    for item in _items(client, collection, job, "refused"):
        click.echo(f"{item.source}: {item.reason} ({item.code})", err=True)
    for item in _items(client, collection, job, "present") if job.present else ():
        if item.code:
            click.echo(f"{item.source}: {item.reason}", err=True)


def _left_out(client: "Client", collection: str, job: "Job") -> "list[LeftOut]":
    from faceserver.transfer.leftout import LeftOut

    items = _items(client, collection, job, "left_out") if job.left_out else ()
    told = [(item.source, *(item.reason or "").partition(": ")) for item in items]
    return [LeftOut(source, reason, detail) for source, reason, _, detail in told]


def _items(
    client: "Client", collection: str, job: "Job", state: "ItemState"
) -> "Iterator[JobResult]":
    from faceserver.client import every

    def pages(*, limit: int, cursor: str | None) -> "JobResults":
        return client.list_job_items(collection, job.id, state=state, limit=limit, cursor=cursor)

    return every(pages)
