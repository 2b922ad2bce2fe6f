"""The docs name what the code has, and nothing that it has not."""

import re
import tomllib
from pathlib import Path

from click.testing import CliRunner

from faceserver import __version__, errors
from faceserver.cli.main import main
from faceserver.errors import FaceServerError
from faceserver.web.errors import STATUS

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
ABSTRACT = {"access_error", "invalid_input", "invalid_image", "face_count", "fetch_failed"}
NEVER_OVER_HTTP = {
    "setup_error",
    "invalid_setting",
    "unknown_name",
    "model_error",
    "library_missing",
}


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
    hidden = ABSTRACT | NEVER_OVER_HTTP
    assert listed == {k: v for k, v in STATUS.items() if k not in hidden} | not_own


def test_the_command_line_docs_list_every_command() -> None:
    text = (DOCS / "cli.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `faceserver ([a-z-]+)", text, re.MULTILINE)
    assert sorted(rows) == sorted(main.commands)


def test_the_readme_fits_two_screens_and_its_links_lead_somewhere() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 110
    for page in (ROOT / "README.md", *DOCS.rglob("*.md")):
        links = re.findall(r"\]\((?!https?:)([^)#\s]+)", page.read_text(encoding="utf-8"))
        missing = [link for link in links if not (page.parent / link).exists()]
        assert not missing, (page.name, missing)


def test_the_version_is_the_same_everywhere_and_has_a_dated_section() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == __version__
    told = CliRunner().invoke(main, ["--version"]).output
    assert told == f"faceserver, version {__version__}\n"
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {re.escape(__version__)} - \d{{4}}-\d\d-\d\d$", changes, re.MULTILINE)


def test_the_examples_of_extending_are_those_of_its_tests() -> None:
    text = (DOCS / "extending.md").read_text(encoding="utf-8")
    sections = [part for part in text.split("\n## ")[1:] if "```python" in part]
    assert sections
    for section in sections:
        (name,) = re.findall(r"\]\((\.\./tests/extending/test_\w+\.py)\)", section)
        code = (DOCS / name).read_text(encoding="utf-8")
        for example in re.findall(r"```python\n(.*?)```", section, re.DOTALL):
            assert example in code, name
