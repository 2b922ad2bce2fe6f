"""Photographs on their side and upside down, through every door of a real server."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from faceserver.cli.main import main
from faceserver.client import Client
from tests.e2e.server import Server
from tests.support.photographs import Photographs
from tests.support.picture_files import exif

TURNS = {
    90: Image.Transpose.ROTATE_90,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_270,
}
OBAMA_SIZE = (910, 1137)
OBAMA_POINTS = [(443, 212), (552, 211), (497, 275), (437, 322), (555, 321)]
"""Where a person sees the eyes, the nose and the corners of the mouth."""

NEAR = 25
"""Pixels: a tenth of the face."""


def written(source: Path, target: Path, degrees: int) -> Path:
    """A photograph turned counterclockwise, as a file without EXIF."""
    with Image.open(source) as opened:
        picture = opened.convert("RGB")
    (picture.transpose(TURNS[degrees]) if degrees else picture).save(target, quality=95)
    return target


def moved(point: tuple[float, float], degrees: int) -> tuple[float, float]:
    """Where a point of the upright photograph lies in the turned one."""
    (x, y), (width, height) = point, OBAMA_SIZE
    return {0: (x, y), 90: (y, width - x), 180: (width - x, height - y), 270: (height - y, x)}[
        degrees
    ]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path / "data") as running:
        yield running


def test_the_original_endpoints(server: Server, photographs: Photographs, tmp_path: Path) -> None:
    names = []
    for degrees in (90, 180, 270):
        picture = written(photographs["obama.jpg"], tmp_path / f"obama{degrees}.jpg", degrees)
        (item,) = server.register(picture).json()["faces"]
        (face,) = item["BoxsPoints"]
        points = list(zip(face["pt"][:5], face["pt"][5:], strict=True))
        expected = [moved(point, degrees) for point in OBAMA_POINTS]
        assert np.abs(np.subtract(points, expected)).max() < NEAR
        x1, y1, x2, y2 = face["box"]
        assert all(x1 < x < x2 and y1 < y < y2 for x, y in expected)
        names.append(picture.name)
    for degrees in (0, 90, 180, 270):
        probe = written(photographs["obama2.jpg"], tmp_path / f"probe{degrees}.jpg", degrees)
        matches = server.retrieve(probe).json()["faces"]
        assert len(matches) == len(names)
        stranger = written(photographs["biden.jpg"], tmp_path / f"other{degrees}.jpg", degrees)
        assert server.retrieve(stranger).json()["faces"] == []


def test_the_v1_api_and_its_crops(server: Server, photographs: Photographs, tmp_path: Path) -> None:
    with Client(server.url) as client:
        crops: list[np.ndarray] = []
        for degrees in (0, 90, 180, 270):
            picture = written(photographs["obama.jpg"], tmp_path / f"{degrees}.jpg", degrees)
            (detected,) = client.detect(picture).faces
            nose = detected.points.nose
            assert np.hypot(*np.subtract((nose.x, nose.y), moved(OBAMA_POINTS[2], degrees))) < NEAR
            added = client.add_faces("default", picture)
            crop = client.get_face_crop("default", added.faces[0].id)
            with Image.open(io.BytesIO(crop)) as opened:
                crops.append(np.asarray(opened.convert("RGB"), np.float32))
        for other in crops[1:]:
            assert np.mean(np.abs(np.subtract(other, crops[0]))) < 6
        answer = client.search("default", photographs["obama2.jpg"])
        assert len(answer.probes[0].matches) == 4
        pair = client.compare(tmp_path / "90.jpg", photographs["obama2.jpg"]).pairs[0]
        assert pair.same
        assert not client.compare(tmp_path / "90.jpg", photographs["biden.jpg"]).pairs[0].same


@pytest.mark.parametrize("orientation", [2, 3, 4, 5, 6, 8])
def test_exif_right_or_wrong(
    server: Server, photographs: Photographs, tmp_path: Path, orientation: int
) -> None:
    """An EXIF orientation that is heeded, and the same one in a photograph that was upright."""
    server.register(photographs["obama.jpg"])
    with Image.open(photographs["obama2.jpg"]) as opened:
        picture = opened.convert("RGB")
    picture.save(tmp_path / "wrong.jpg", exif=exif(orientation))
    assert len(server.retrieve(tmp_path / "wrong.jpg").json()["faces"]) == 1
    with Image.open(photographs["biden.jpg"]) as opened:
        opened.convert("RGB").save(tmp_path / "other.jpg", exif=exif(orientation))
    assert server.retrieve(tmp_path / "other.jpg").json()["faces"] == []


def test_the_command_line(
    photographs: Photographs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESERVER_DATA_DIR", str(tmp_path / "gallery"))
    turned = [
        str(written(photographs["obama.jpg"], tmp_path / f"obama{degrees}.jpg", degrees))
        for degrees in (90, 180, 270)
    ]
    done = CliRunner().invoke(main, ["register", *turned])
    assert "3 faces of 3 pictures stored, 0 refused." in done.output
    found = CliRunner().invoke(main, ["search", str(photographs["obama2.jpg"])])
    assert len(found.output.splitlines()) == 3
    for degrees in (90, 180, 270):
        stranger = written(photographs["biden.jpg"], tmp_path / f"biden{degrees}.jpg", degrees)
        assert "Nobody" in CliRunner().invoke(main, ["search", str(stranger)]).output
