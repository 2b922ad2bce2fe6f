"""Pictures made of the photographs."""

from pathlib import Path

from PIL import Image


def side_by_side(path: Path, *photographs: Path, height: int = 500) -> Path:
    """One picture of several people, written to a path."""
    parts = []
    for photograph in photographs:
        with Image.open(photograph) as picture:
            width = round(picture.width * height / picture.height)
            parts.append(picture.convert("RGB").resize((width, height)))
    whole = Image.new("RGB", (sum(part.width for part in parts), height))
    left = 0
    for part in parts:
        whole.paste(part, (left, 0))
        left += part.width
    whole.save(path, quality=92)
    return path


def saved_again(path: Path, photograph: Path) -> Path:
    """The same picture in other bytes, written to a path."""
    with Image.open(photograph) as picture:
        picture.convert("RGB").save(path, "JPEG", quality=97)
    return path
