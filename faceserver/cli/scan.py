"""``faceserver scan``: shows what is found in photographs."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from faceserver.cli.output import counted, progress
from faceserver.config import Settings, load_settings

if TYPE_CHECKING:  # loaded where they are used, so that --help answers at once
    from faceserver.vision.analyzer import Analyzer, FoundFace


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("scanned"),
    show_default=True,
    help="Folder of the copies.",
)
@click.option("--attributes", default="", help="Attributes to compute: age,gender,pose,quality,...")
@click.option("--detector", help="Detection model.  [default: FACESERVER_DETECTOR]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for other programs.")
@click.option("--no-pictures", is_flag=True, help="Only print the results; write no copies.")
def scan(
    paths: tuple[Path, ...],
    out: Path,
    attributes: str,
    detector: str | None,
    *,
    as_json: bool,
    no_pictures: bool,
) -> None:
    """Draw boxes, points and attributes of the faces into copies of pictures: files or folders.

    Nothing is stored, and the pictures themselves stay as they are. The copies are JPEG. What a
    picture is refused for is printed beside its name; the exit status is then 1.
    """
    from faceserver.app import make_analyzer
    from faceserver.errors import InputError
    from faceserver.transfer.walk import files_below

    settings = load_settings(detector=detector)
    files = [
        (file, path if path.is_dir() else path.parent)
        for path in paths
        for file in (files_below(path).pictures if path.is_dir() else [path])
    ]
    analyzer = make_analyzer(settings)
    names = analyzer.attributes.wanted(name.strip() for name in attributes.split(",") if name)
    found: list[dict[str, Any]] = []
    refused = 0
    with progress("Scanning", len(files)) as advance:
        for file, root in files:
            target = None if no_pictures else out / file.relative_to(root).with_suffix(".jpg")
            try:
                faces = _scanned(analyzer, file, names, settings, target)
            except InputError as error:
                refused += 1
                click.echo(f"{file}: refused: {error} ({error.code})", err=True)
            else:
                found.append({"picture": str(file), "faces": faces})
                if not as_json:
                    click.echo(f"{file}: {counted(len(faces), 'face')}")
            advance(1)
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    elif not no_pictures and found:
        click.echo(f"The copies are in {out}")
    if refused:
        raise SystemExit(1)


def _scanned(
    analyzer: "Analyzer",
    file: Path,
    names: tuple[str, ...],
    settings: Settings,
    target: Path | None,
) -> list[dict[str, Any]]:
    """Find a picture's faces, write the copy, and return what is known of them."""
    from faceserver.errors import InvalidRequest
    from faceserver.pictures import codec
    from faceserver.pictures.drawing import Mark, drawn
    from faceserver.runtime.private_files import make_private_folders, write_privately
    from faceserver.transfer.files import read_file

    picture, faces = analyzer.read(
        read_file(file, max_bytes=settings.max_file_bytes),
        max_bytes=settings.max_file_bytes,
        max_pixels=settings.max_pixels,
        attributes=names,
    )
    told = analyzer.tell(faces)
    if target:
        marks = [
            Mark(face.detection.box, _points(face, known), [*_lines(face, known)])
            for face, known in zip(faces, told, strict=True)
        ]
        try:
            make_private_folders(target.parent)
            jpeg = codec.encode_jpeg(drawn(picture.image, marks, scale=picture.scale))
            write_privately(target, jpeg)
        except OSError as error:
            raise InvalidRequest(f"{target} cannot be written: {error.strerror}") from error
    return [
        {
            "box": [round(edge, 2) for edge in _edges(face)],
            "points": [[round(x, 2), round(y, 2)] for x, y in face.detection.points],
            "score": round(face.detection.score, 4),
            "attributes": known,
        }
        for face, known in zip(faces, told, strict=True)
    ]


def _edges(face: "FoundFace") -> tuple[float, float, float, float]:
    box = face.detection.box
    return box.x1, box.y1, box.x2, box.y2


def _points(face: "FoundFace", known: Any) -> list[tuple[float, float]]:
    more = [tuple(point) for point in known.get("landmarks106", {}).get("points", ())]
    return [*face.detection.points, *more]


def _lines(face: "FoundFace", known: Any) -> list[str]:
    lines = [f"{face.detection.score:.2f}"]
    for name, value in known.items():
        if name.startswith("landmarks"):
            continue
        main = value.get("value")
        if main is None:
            main = " ".join(f"{field} {each}" for field, each in value.items())
        lines.append(f"{name} {main}")
    return lines
