"""The docs name what the code has, and nothing that it has not."""

import re
from pathlib import Path

from faceserver import errors
from faceserver.errors import FaceServerError
from faceserver.web.errors import STATUS

DOCS = Path(__file__).resolve().parent.parent / "docs"
ABSTRACT = {"access_error", "invalid_input", "invalid_image", "face_count", "fetch_failed"}
NEVER_OVER_HTTP = {"setup_error", "invalid_setting", "unknown_name", "model_error"}


def every_error() -> list[type[FaceServerError]]:
    return [
        item
        for item in vars(errors).values()
        if isinstance(item, type) and issubclass(item, FaceServerError)
    ]


def test_the_error_tree_is_drawn_completely() -> None:
    drawn = dict(re.findall(r"── (\w+) +([a-z]+_[a-z_]+|busy)\b", errors.__doc__ or ""))
    codes = {error.__name__: error.code for error in every_error()}
    assert drawn.items() <= codes.items()
    leaves = {error.__name__ for error in every_error() if not error.__subclasses__()}
    assert leaves <= drawn.keys()


def test_every_error_has_its_own_code_and_a_status() -> None:
    codes = [error.code for error in every_error()]
    assert len(set(codes)) == len(codes)
    assert set(codes) <= STATUS.keys()


def test_the_http_docs_list_every_code_with_its_status() -> None:
    rows = re.findall(r"^\| (`.+`) \| (\d+) \|", (DOCS / "http.md").read_text(), re.MULTILINE)
    listed = {code: int(status) for codes, status in rows for code in re.findall(r"`(\w+)`", codes)}
    not_own = {"method_not_allowed": 405, "unsupported_media_type": 415}
    hidden = ABSTRACT | NEVER_OVER_HTTP | {"engine_unavailable"}
    assert listed == {k: v for k, v in STATUS.items() if k not in hidden} | not_own
