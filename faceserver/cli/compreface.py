"""The command that takes a running CompreFace over."""

from collections.abc import Sequence
from contextlib import closing
from typing import IO, TYPE_CHECKING

import click

from faceserver.cli.output import PrivateFile, counted, progress
from faceserver.cli.tally import Tally
from faceserver.config import load_settings
from faceserver.runtime.threads import pictures_at_once

if TYPE_CHECKING:  # loaded where they are used, so that --help answers at once
    from faceserver.client.compreface import Compreface
    from faceserver.lifecycle import Services
    from faceserver.services.outcomes import Rules


@click.command("import-compreface")
@click.option("--url", required=True, metavar="URL", help="Address of the running CompreFace.")
@click.option(
    "--key",
    required=True,
    metavar="KEY",
    envvar="COMPREFACE_KEY",
    help="API key of its recognition service.  [env: COMPREFACE_KEY]",
)
@click.option(
    "--collection",
    default="default",
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
@click.option("--update", is_flag=True, help="Update the person of pictures already stored.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def import_compreface(
    *,
    url: str,
    key: str,
    collection: str,
    jobs: int | None,
    report: IO[str] | None,
    update: bool,
    as_json: bool,
) -> None:
    """Import all subjects and examples of a running CompreFace.

    The pictures are fetched and embedded anew with the model of this server. Examples keep their
    ids, so clients that have stored them keep working.

    Examples that are already stored are skipped without fetching them, so an interrupted import
    is continued by running it again. CompreFace itself is only read. The exit status is 1 if
    something was refused.
    """
    from faceserver.app import open_services
    from faceserver.client.compreface import Compreface
    from faceserver.services.outcomes import Rules

    settings = load_settings()
    source = Compreface(url, key=key, max_bytes=settings.max_file_bytes)
    tally = Tally(report=report)
    rules = Rules(largest=True, update=update, at_once=jobs or pictures_at_once())
    names = source.subjects()
    with closing(open_services(settings)) as services:
        try:
            count = _take_examples(services, source, collection, rules, tally)
            added = _add_subjects(services, collection, names, tally)
        finally:  # also of what was done before an error
            for line in tally.problems():
                click.echo(line, err=True)
    if not as_json:
        found = f"{counted(len(names), 'subject')} and {counted(count, 'example')} found"
        click.echo(f"{found}; {added} without usable examples added.")
    tally.finish(as_json=as_json)


def _take_examples(
    services: "Services", source: "Compreface", collection: str, rules: "Rules", tally: Tally
) -> int:
    """Register all examples; return how many there are."""
    from faceserver.transfer.compreface import ids_are_free, pictures_of

    examples = source.examples()
    services.collections.ensure(collection)
    keep = ids_are_free(examples, services.collections, services.faces, apart_from=collection)
    if not keep:
        click.echo("Another collection holds these examples: they get new ids.", err=True)
    items = pictures_of(source, examples, keep_ids=keep)
    with progress("Examples", len(examples)) as advance:
        for outcome in services.registering.stream(collection, items, rules):
            tally.add(outcome)
            advance(1)
    return len(examples)


def _add_subjects(services: "Services", collection: str, names: Sequence[str], tally: Tally) -> int:
    """Add the subjects that no example has brought; return how many."""
    from faceserver.services.outcomes import Refused
    from faceserver.transfer.compreface import add_missing

    added = 0
    for result in add_missing(services.people, collection, names):
        if isinstance(result, Refused):
            tally.add(result)
        else:
            added += 1
    return added
