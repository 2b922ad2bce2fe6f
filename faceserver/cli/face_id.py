"""The command ``faceserver import-face-id``."""

from contextlib import closing
from pathlib import Path

import click

from faceserver.cli.output import counted, progress
from faceserver.config import load_settings


@click.command("import-face-id")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--model",
    required=True,
    metavar="MODEL",
    help="Model that made the vectors, as the name of its folder inside the models folder.",
)
@click.option(
    "--collection",
    metavar="NAME",
    help="Target collection; created if missing.  [default: face-id]",
)
def import_face_id(folder: Path, model: str, collection: str | None) -> None:
    """Import the vectors of a face id server.

    FOLDER holds one file per person, named by the person's id: tensors of torch (.pt) or arrays of
    numpy (.npy). Nothing in them is executed, and torch is not needed. Vectors are only comparable
    with those of the same model, so the collection gets that model.

    Vectors that are already stored are skipped, so an interrupted import is continued by running it
    again. The exit status is 1 if a file was refused.
    """
    from faceserver.app import embedder_spec, open_gallery
    from faceserver.transfer.face_id import files_in, import_files

    settings = load_settings()
    spec = embedder_spec(settings.model_copy(update={"model": model}))
    files = files_in(folder)
    if not files:
        raise click.ClickException(f"there is no .pt or .npy file in {folder}")
    name = collection or "face-id"
    with closing(open_gallery(settings, any_model=True)) as store:
        if name not in store.collections():
            store.create(name, model=spec.name, dims=spec.dims)
        target = store.collection(name)
        if target.model != spec.name:
            raise click.ClickException(
                f"the collection {name!r} holds faces of {target.model}, not of {spec.name}"
            )
        done = []
        with progress("Importing", len(files)) as advance:
            for item in import_files(target, files):
                done.append(item)
                advance(1)
    for item in done:
        if item.became == "refused":
            click.echo(f"{item.file}: {item.reason}", err=True)
    stored = [item for item in done if item.became == "stored"]
    vectors = sum(item.vectors for item in stored)
    refused = sum(item.became == "refused" for item in done)
    click.echo(
        f"{counted(vectors, 'vector')} of {len(stored)} files stored in {name!r}, "
        f"{len(done) - len(stored) - refused} already there, {refused} refused."
    )
    if refused:
        raise SystemExit(1)
