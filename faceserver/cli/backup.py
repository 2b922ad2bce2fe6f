"""The commands that care for a data folder: backup, restore, check, purge."""

import json
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from faceserver.cli.galleries import is_shared, refuse_shared, require_gallery
from faceserver.cli.output import Stages, counted
from faceserver.config import Settings, load_settings

if TYPE_CHECKING:  # loaded where they are used, so that --help answers at once
    from faceserver.runtime.findings import Finding
    from faceserver.store.base import Receipt
    from faceserver.store.postgres.store import PostgresStore

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_NEW_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("file", type=_NEW_FILE)
def backup(file: Path) -> None:
    """Write a backup of the gallery to FILE.

    The server may be running. `faceserver restore` restores the backup.
    """
    from faceserver.app import picture_place
    from faceserver.transfer.backup import back_up

    settings = load_settings()
    refuse_shared(settings, "back up the database with pg_dump or pg_basebackup")
    with Stages(in_bytes=True) as stages:
        done = back_up(
            settings.data_dir, file, pictures=picture_place(settings), begin=stages.begin
        )
    click.echo(f"{counted(done.faces, 'face')} and {counted(done.pictures, 'picture')}: {file}")
    tell_missing(done.missing)


@click.command()
@click.argument("file", type=_FILE)
@click.option("--force", is_flag=True, help="Move an existing gallery out of the way.")
def restore(file: Path, force: bool) -> None:
    """Restore a backup.

    Stop the server first. The entire backup is verified before anything is changed.
    """
    from faceserver.app import picture_place
    from faceserver.transfer.backup import restore as put_back

    settings = load_settings()
    refuse_shared(settings, "restore the database with pg_restore")
    folder, pictures = settings.data_dir, picture_place(settings)
    if pictures:
        pictures.prepare()
    with Stages(in_bytes=True) as stages:
        done = put_back(file, folder, pictures=pictures, force=force, begin=stages.begin)
    what = f"{counted(done.faces, 'face')} and {counted(done.pictures, 'picture')}"
    click.echo(f"{what} restored into {folder}.")
    if done.aside:
        click.echo(
            f"The previous gallery is in {done.aside}; delete it when you no longer need it."
        )


@click.command()
@click.option("--repair", is_flag=True, help="Repair whatever can be repaired.")
def check(repair: bool) -> None:
    """Verify rows, embeddings, pictures and indexes, jobs, keys and webhooks.

    Stop the server first, unless the gallery is in a database. The exit status is 1 if problems
    remain.
    """
    from faceserver.access.checking import check_keys
    from faceserver.app import picture_place
    from faceserver.jobs.checking import check_jobs
    from faceserver.transfer.check import check_folder
    from faceserver.webhooks.checking import check_webhooks

    settings = load_settings()
    folder, pictures, findings = settings.data_dir, picture_place(settings), []
    if pictures:
        pictures.prepare()
    with Stages() as stages:
        gallery = partial(
            check_folder, folder, pictures=pictures, repair=repair, begin=stages.begin
        )
        parts: list[Callable[[], Iterable[Finding]]] = [
            partial(check_jobs, folder, repair=repair),
            partial(check_keys, folder, repair=repair),
            partial(check_webhooks, folder, repair=repair),
        ]
        # The gallery comes last: one that cannot be opened ends the command.
        if settings.shared_database:
            parts.append(partial(_check_shared, settings, repair=repair))
        elif not is_shared(settings):
            parts.append(gallery)
        for check_part in parts:
            found = list(check_part())
            for finding in found:
                click.echo(f"{finding.what}{f': {finding.mended}' if finding.mended else ''}")
            findings += found
    mended = sum(bool(finding.mended) for finding in findings)
    click.echo(f"{counted(len(findings), 'problem')} found, {mended} repaired.")
    if mended < len(findings):
        if not repair:
            click.echo("Run `faceserver check --repair` to repair what can be repaired.", err=True)
        raise SystemExit(1)


def _check_shared(settings: Settings, *, repair: bool) -> list["Finding"]:
    from faceserver.app import open_gallery
    from faceserver.store.postgres.check import check_database

    with closing(open_gallery(settings, any_model=True)) as store:
        return list(check_database(cast("PostgresStore", store), repair=repair))


@click.command()
@click.option("--collection", metavar="NAME", help="Delete only this collection.")
@click.option("--all", "everything", is_flag=True, help="Delete all collections.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--json", "as_json", is_flag=True, help="Print the receipt as JSON.")
def purge(collection: str | None, *, everything: bool, yes: bool, as_json: bool) -> None:
    """Delete faces without leaving a trace on the disk.

    Deletes rows, embeddings, pictures, indexes, import jobs, and whatever `check --repair` and
    `restore` have moved aside, and rewrites the files without them. Keys and the audit log are
    kept; delete backups and exports yourself. Stop the server first. Prints a receipt.
    """
    from faceserver.app import open_gallery
    from faceserver.webhooks.purging import purge_webhooks

    if everything == bool(collection):
        raise click.UsageError("specify --collection NAME or --all")
    settings = load_settings()
    require_gallery(settings)
    with closing(open_gallery(settings, any_model=True)) as store:
        faces = store.collection(collection).count() if collection else store.status().faces
        whose = f"the collection {collection!r}" if collection else settings.data_dir
        if not yes:
            click.confirm(f"Remove {counted(faces, 'face')} from {whose} permanently?", abort=True)
        receipt = store.purge(collection)
        jobs = _purge_jobs(settings, collection)
        purge_webhooks(settings.data_dir, collection, address=settings.shared_database)
    if as_json:
        shown = {**asdict(receipt), "at": receipt.at.isoformat(), "jobs": jobs}
        click.echo(json.dumps(shown, indent=2))
    else:
        _print_receipt(receipt, jobs)
    if receipt.unknown:
        raise SystemExit(1)


def _purge_jobs(settings: Settings, collection: str | None) -> int:
    from faceserver.jobs.purging import purge_jobs

    if not settings.shared_database:
        return purge_jobs(settings.data_dir, collection)
    from faceserver.jobs.shared import purge_shared_jobs

    return purge_shared_jobs(settings.shared_database, collection)


def _print_receipt(receipt: "Receipt", jobs: int) -> None:
    click.echo(
        f"Deleted at {receipt.at:%Y-%m-%d %H:%M:%S} UTC: {counted(receipt.faces, 'face')}, "
        f"{counted(receipt.subjects, 'subject')}, {counted(receipt.pictures, 'picture')}, "
        f"{counted(receipt.index_files, 'index file')}, {counted(jobs, 'job')}."
    )
    for name in receipt.collections:
        click.echo(f"The collection {name} has been deleted.")
    for name in receipt.aside:
        click.echo(f"Also deleted from {name}.")
    for place in receipt.beyond:
        click.echo(f"Something of it may be left in {place}.")
    for name in receipt.unknown:
        click.echo(
            f"{name} cannot be opened and may still contain faces: delete that folder yourself.",
            err=True,
        )


def tell_missing(names: Iterable[str]) -> None:
    """Say which pictures could not be taken along."""
    for name in names:
        click.echo(f"the picture {name} is missing; run `faceserver check` for details", err=True)


COMMANDS = (backup, restore, check, purge)
