"""``faceserver gen-example-json``: what it writes is what the protocol takes."""

import json
from base64 import b64decode
from pathlib import Path

from click.testing import CliRunner

from faceserver.cli.main import main
from tests.services.test_facade import BLUE, RED, png


def test_two_pictures_become_a_request(tmp_path: Path) -> None:
    one, other, target = (tmp_path / name for name in ("a.png", "b.png", "test.json"))
    one.write_bytes(png(RED))
    other.write_bytes(png(BLUE))
    options = ["gen-example-json", str(one), str(other)]
    assert CliRunner().invoke(main, [*options, "--output", str(target)]).exit_code == 0
    pictures = [b64decode(text) for text in json.loads(target.read_text())["imgs"]]
    assert [data[:3] for data in pictures] == [b"\xff\xd8\xff"] * 2
    assert json.loads(CliRunner().invoke(main, options).output) == json.loads(target.read_text())


def test_what_is_no_picture_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("nothing")
    done = CliRunner().invoke(main, ["gen-example-json", *[str(tmp_path / "a.txt")] * 2])
    assert done.exit_code == 1
    assert "not_an_image" in done.output
