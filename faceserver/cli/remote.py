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
    from faceserver.api.jobs import Job, JobResults
    from faceserver.client import Client

KEY_VARIABLE = "FACESERVER_KEY"

_DEFAULT = "default"
_ZIP_PICTURES = 500
_ZIP_BYTES = 50_000_000
_ASK_EVERY = 0.2  # seconds

server_option = click.option(
    "--server",
    metavar="URL",
    help=f"Ask this server instead of opening the data folder; {KEY_VARIABLE} holds its key.",
)
"""For the commands that can do either."""


def connect(url: str) -> "Client":
    """A client with the key of the environment."""
    from faceserver.client import Client

    return Client(url, key=os.environ.get(KEY_VARIABLE))


def register_at(url: str, files: Sequence[Path]) -> None:
    """Store every face of pictures; print a line for each."""
    from faceserver.client import ApiError

    faces = refused = 0
    with connect(url) as client:
        for done, path in enumerate(files, start=1):
            try:
                added = len(client.add_faces(_DEFAULT, path).faces)
            except ApiError as error:
                if error.problem is None:
                    raise
                refused += 1
                told = f"refused: {error} ({error.code})"
            else:
                faces += added
                told = counted(added, "face")
            click.echo(f"[{done}/{len(files)}] {path}: {told}")
    stored = counted(len(files) - refused, "picture")
    click.echo(f"{counted(faces, 'face')} of {stored} stored, {refused} refused.")
    if refused:
        raise SystemExit(1)


def search_at(url: str, picture: Path, collection: str | None, *, as_json: bool) -> None:
    """Find the people of a picture; print the verdict on each face, and its matches."""
    with connect(url) as client:
        answer = client.search(collection or _DEFAULT, picture, k=100)
    if as_json:
        probes = [probe.model_dump(mode="json") for probe in answer.probes]
        click.echo(json.dumps(probes, indent=2, ensure_ascii=False))
        return
    for probe in answer.probes:
        click.echo(probe.verdict.answer)
        for match in probe.matches:
            person = match.person.name if match.person else "-"
            click.echo(f"{match.distance:.4f}  {person}  {match.face.source}")


def import_at(url: str, path: Path, collection: str | None, *, largest: bool) -> None:
    """Take in a folder or a zip as jobs; show how far they are, and what was refused."""
    name = collection or _DEFAULT
    stored = refused = faces = 0
    with connect(url) as client, tempfile.TemporaryDirectory() as folder:
        for archive in _archives(path, Path(folder)):
            job = _finished(client, name, client.create_job(name, archive, largest=largest))
            stored, faces = stored + job.stored, faces + job.faces
            refused += job.refused
            _tell_refused(client, name, job)
            if job.state != "done":
                raise click.ClickException(f"the job is {job.state}: {job.reason}")
    click.echo(
        f"{counted(faces, 'face')} of {counted(stored, 'picture')} stored, {refused} refused."
    )
    if refused:
        raise SystemExit(1)


def _archives(path: Path, folder: Path) -> Iterator[Path]:
    """The zip itself, or a folder's pictures in zips that a server takes."""
    from faceserver.transfer.sources import as_text, pictures_below

    if path.suffix.lower() == ".zip":
        yield path
        return
    if not path.is_dir():
        raise click.UsageError("a server takes a folder or a .zip")
    for number, files in enumerate(_batches(pictures_below(path))):
        archive = folder / f"{number}.zip"
        with open(archive, "xb", opener=private) as new, ZipFile(new, "w", ZIP_STORED) as target:
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
    from faceserver.client import every

    def pages(*, limit: int, cursor: str | None) -> "JobResults":
        return client.list_job_items(
            collection, job.id, state="refused", limit=limit, cursor=cursor
        )

    for item in every(pages):
        click.echo(f"{item.source}: {item.reason} ({item.code})", err=True)
