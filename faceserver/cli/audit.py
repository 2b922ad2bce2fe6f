"""The command ``faceserver audit``: who did what."""

from contextlib import closing

import click

from faceserver.config import load_settings


@click.command()
@click.option("--last", type=click.IntRange(min=1), metavar="N", help="Print the latest N events.")
def audit(last: int | None) -> None:
    """Print the audit log, the oldest event first: a JSON object per line.

    Reads the file, and the rotated ones; or the database, if FACESERVER_STORE names one.
    """
    from faceserver.access.guard import open_audit_log

    with closing(open_audit_log(load_settings(), is_server=False)) as log:
        for line in log.lines(last):
            click.echo(line)
