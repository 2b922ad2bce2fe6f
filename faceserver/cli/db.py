"""The commands for the database of a shared gallery."""

import click

from faceserver.config import load_settings
from faceserver.errors import InvalidSetting


@click.group()
def db() -> None:
    """Prepare the database that FACESERVER_STORE names."""


@db.command()
def upgrade() -> None:
    """Create the tables of a new database, or upgrade those of an older version.

    Servers may be running. A server refuses a database that has not been upgraded, or that a newer
    version has upgraded.
    """
    address = load_settings().shared_database
    if not address:
        raise InvalidSetting("FACESERVER_STORE names no database; a data folder upgrades itself")
    try:
        from faceserver.store.postgres.schema import upgrade as upgrade_schema
    except ModuleNotFoundError as error:
        raise InvalidSetting(
            f'{error.name} is not installed: pip install "faceserver[postgres]"'
        ) from error

    click.echo(f"The database has schema {upgrade_schema(address)}.")
