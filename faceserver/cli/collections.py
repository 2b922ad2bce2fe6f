"""The commands ``faceserver collections``: named galleries, each of one embedding model."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import click

from faceserver.cli.output import table
from faceserver.cli.remote import connect, server_option
from faceserver.config import load_settings

if TYPE_CHECKING:  # loaded where they are used, so that --help answers at once
    from faceserver.lifecycle import Services

_HEADS = ("collection", "model", "faces", "people", "threshold")


@click.group()
def collections() -> None:
    """List and create collections."""


@collections.command("list")
@server_option
def list_(server: str | None) -> None:
    """List the collections, their models and how much they hold."""
    click.echo(table(_HEADS, _rows_at(server) if server else _rows()))


@collections.command()
@click.argument("name")
@click.option("--model", help="Embedding model.  [default: the one that FACESERVER_MODEL names]")
@server_option
def create(name: str, model: str | None, server: str | None) -> None:
    """Create a collection. `faceserver models list` shows the models."""
    if server:
        with connect(server) as client:
            taken = client.create_collection(name, model=model).model
            models = client.list_models().items
            better = [each.name for each in models if each.proposed]
    else:
        with _services() as services:
            settings = load_settings()
            taken = services.collections.create(name, model).status.model
            listed = services.models.listed(settings.models_dir, set_to=())
            better = [each.spec.name for each in listed if each.proposed]
    click.echo(f"{name}: created, with the model {taken}.")
    if not model and taken not in better:
        for each in better:
            click.echo(
                f"{each} is the most accurate model here: create collections with --model {each}, "
                f"or run `faceserver change-model {each} --collection {name}`",
                err=True,
            )


@contextmanager
def _services() -> "Iterator[Services]":
    from faceserver.app import open_services

    with closing(open_services(load_settings())) as services:
        yield services


def _rows() -> list[tuple[str, ...]]:
    with _services() as services:
        found = services.collections.describe_some(services.collections.names())
    return [
        _cells(
            each.status.name, each.status.model, each.status.faces, each.subjects, each.threshold
        )
        for each in found
    ]


def _rows_at(url: str) -> list[tuple[str, ...]]:
    from faceserver.client import every

    with connect(url) as client:
        return [
            _cells(each.name, each.model, each.faces, each.subjects, each.threshold)
            for each in every(client.list_collections)
        ]


def _cells(
    name: str, model: str, faces: int, people: int, threshold: float | None
) -> tuple[str, ...]:
    limit = "-" if threshold is None else f"{threshold:g}"
    return name, model, f"{faces:,}", f"{people:,}", limit
