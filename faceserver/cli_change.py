"""The command ``faceserver change-model``."""

from contextlib import closing

import click

from faceserver.cli_transfer import counted
from faceserver.config import load_settings


@click.command("change-model")
@click.argument("model")
@click.option("--collection", "names", multiple=True, help="Only this one; may be repeated.")
@click.option("--drop-lost", is_flag=True, help="Delete the faces of which too little is kept.")
def change_model(model: str, names: tuple[str, ...], drop_lost: bool) -> None:
    """Embed all stored faces anew with MODEL, a folder inside the models' folder.

    The faces are cut out of the stored pictures, or the stored crops are taken. Interrupted, it
    goes on where it was when it is started again; until its end the gallery is as before. With
    the model that the gallery has, a change that was begun is given up.
    """
    from faceserver.app import crops_fit, embedder_spec, make_embedder, open_gallery
    from faceserver.reembed import Reembedder

    settings = load_settings(embedder_model=model)
    embedder = make_embedder(settings, embedder_spec(settings))
    with closing(open_gallery(settings, any_model=True)) as store:
        fit = crops_fit(settings)
        reembedder = Reembedder(store, store.pictures, embedder, crops_fit=fit)
        for name in names or store.collections():
            with click.progressbar(
                length=reembedder.pending(name), label=name, show_pos=True, show_eta=True
            ) as bar:
                lost = reembedder.run(name, advance=bar.update, drop_lost=drop_lost)
            for item in lost or ():
                click.echo(f"{item.face.source}: deleted: {item.reason}", err=True)
            faces = counted(store.collection(name).count(), "face")
            click.echo(f"{name}: {faces} of the model {embedder.name}.")
    click.echo(f"From now on the server needs FACESERVER_EMBEDDER_MODEL={model}")
