"""The command ``faceserver gen-example-json``."""

import json
from base64 import b64encode
from pathlib import Path
from typing import IO

import click

from faceserver.cli.output import PrivateFile
from faceserver.config import load_settings

_PICTURE = click.Path(exists=True, dir_okay=False, path_type=Path)
_JPEG = b"\xff\xd8\xff"


@click.command("gen-example-json")
@click.argument("first", type=_PICTURE)
@click.argument("second", type=_PICTURE)
@click.option(
    "--output",
    metavar="FILE",
    type=PrivateFile(),
    default="-",
    help="Write to FILE.  [default: standard output]",
)
def gen_example_json(first: Path, second: Path, output: IO[str]) -> None:
    """Write two pictures as a request of the protocol compare.

    The result is {"imgs": [...]} with both as JPEG in base64; send it with
    `curl -T test.json http://127.0.0.1:8000/as/compare/service`.
    """
    from faceserver.pictures import codec
    from faceserver.transfer.files import read_file

    settings = load_settings()

    def encoded(path: Path) -> str:
        data = read_file(path, max_bytes=settings.max_file_bytes)
        picture = codec.decode(
            data, max_bytes=settings.max_file_bytes, max_pixels=settings.max_pixels
        )
        jpeg = data if data.startswith(_JPEG) else codec.encode_jpeg(picture.image)
        return b64encode(jpeg).decode()

    text = json.dumps({"imgs": [encoded(first), encoded(second)]})
    output.write(f"{text}\n")
