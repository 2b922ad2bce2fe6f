"""The lock files pin everything that is fetched, by version and hash, and name no registry."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCKS = sorted((ROOT / "requirements").rglob("*.txt"))
PINNED = re.compile(r"[a-z0-9][a-z0-9._-]*(\[[a-z0-9,._-]+\])?==[^\s;]+( ; .+)?", re.IGNORECASE)
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def entries(path: Path) -> list[str]:
    """The requirements of a file, each on one line, without remarks."""
    lines = [line for line in path.read_text().splitlines() if not line.strip().startswith("#")]
    return [entry.strip() for entry in "\n".join(lines).replace("\\\n", " ").split("\n") if entry]


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_each_package_has_one_version_and_its_hashes(path: Path) -> None:
    for entry in entries(path):
        if entry.startswith(("--only-binary ", "--no-binary ")):
            continue
        package, *hashes = re.split(r"\s+(?=--)", entry)
        assert PINNED.fullmatch(package.strip()), entry
        assert hashes, entry
        assert all(HASH.fullmatch(part.strip()) for part in hashes), entry


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_no_registry_and_no_telemetry_is_named(path: Path) -> None:
    text = path.read_text()
    assert "://" not in text
    assert not re.search(r"^\s*--(extra-)?(index|find|trusted)", text, re.MULTILINE)
    assert not re.search(r"^openvino.telemetry", text, re.MULTILINE)


def test_what_is_built_has_its_tools_pinned() -> None:
    names = {entry.split("==")[0] for entry in entries(ROOT / "requirements" / "build.txt")}
    assert {"numpy", "pybind11", "setuptools", "wheel"} <= names


def test_locks_agree_where_they_are_installed_together() -> None:
    versions: dict[str, str] = {}
    for name in ("base", "test", "s3", "oip", "postgres", "postgres-server", "convert", "torch"):
        for entry in entries(ROOT / "requirements" / f"{name}.txt"):
            package, version = re.split(r"==|\s", entry)[:2]
            package = package.split("[")[0]
            assert versions.setdefault(package, version) == version, package


def test_what_is_compared_shares_an_environment() -> None:
    """torch must not bring another numpy than the other contenders have."""
    versions: dict[str, str] = {}
    for name in ("peers", "bench-torch", "facenet-pytorch"):
        for entry in entries(ROOT / "requirements" / f"{name}.txt"):
            if not entry.startswith("--"):
                package, version = re.split(r"==|\s", entry)[:2]
                assert versions.setdefault(package.split("[")[0], version) == version, package


def test_every_lock_is_tried() -> None:
    """By ``scripts/try-locks``, which nobody should have to remember to extend."""
    script = (ROOT / "scripts" / "try-locks").read_text(encoding="utf-8")
    tried = set(re.findall(r"[a-z0-9-]+", "".join(re.findall(r"^for .*$", script, re.MULTILINE))))
    assert "ls clients/*.txt" in script
    own = {path.stem for path in LOCKS if path.parent.name == "requirements"}
    assert own - tried == {"build"}  # which scripts/install brings along each time


def test_nothing_is_installed_but_from_locks() -> None:
    ways_in = ("Makefile", ".ci/run", "environment.yml", "tests/clients/envs.py")
    for path in (ROOT / name for name in ways_in):
        for line in path.read_text().replace("\\\n", " ").splitlines():
            if re.search(r"pip\W+install", line):
                assert "--no-deps" in line, line
