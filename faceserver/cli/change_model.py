"""The command ``faceserver change-model``."""

from contextlib import closing

import click

from faceserver.cli.galleries import require_gallery
from faceserver.cli.output import counted, progress
from faceserver.config import load_settings


@click.command("change-model")
@click.argument("model")
@click.option(
    "--collection",
    "names",
    metavar="NAME",
    multiple=True,
    help="Migrate only this collection; may be repeated.",
)
@click.option("--drop-lost", is_flag=True, help="Delete faces that cannot be re-embedded.")
def change_model(model: str, names: tuple[str, ...], drop_lost: bool) -> None:
    """Re-embed all stored faces with another model.

    MODEL is the name of a folder inside the models folder. Faces are cropped from the stored
    pictures, or stored crops are used. If interrupted, run it again to continue; the gallery stays
    unchanged until the end. Naming the gallery's current model cancels an unfinished change.
    """
    from faceserver.app import crops_fit, embedder_spec, make_embedder, open_gallery
    from faceserver.services.change_model import Reembedder

    settings = load_settings(model=model)
    require_gallery(settings)
    embedder = make_embedder(settings, embedder_spec(settings))
    with closing(open_gallery(settings, any_model=True)) as store:
        fit = crops_fit(settings)
        reembedder = Reembedder(store, store.pictures, embedder, crops_fit=fit)
        for name in names or store.collections():
            before = store.collection(name).model
            with progress(name, reembedder.pending(name)) as advance:
                lost = reembedder.run(name, advance=advance, drop_lost=drop_lost)
            for item in lost or ():
                click.echo(f"{item.face.source}: deleted: {item.reason}", err=True)
            faces = counted(store.collection(name).count(), "face")
            what = "already uses" if before == embedder.name else f"changed from {before} to"
            click.echo(f"{name}: {faces}, {what} the model {embedder.name}.")
    click.echo(f"Start the server with FACESERVER_MODEL={model}")
