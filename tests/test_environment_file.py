"""environment.yml gives users of conda what pyproject.toml and the other ways in ask for."""

import re
import tomllib
from itertools import chain
from pathlib import Path

import yaml
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "environment.yml").read_text(encoding="utf-8")
FOUND = yaml.safe_load(TEXT)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SPECS = {
    name: version for name, _, version in (entry.partition(" ") for entry in FOUND["dependencies"])
}


def test_it_is_of_this_project() -> None:
    assert set(FOUND) == {"name", "channels", "dependencies"}
    assert FOUND["name"] == PROJECT["name"]
    assert FOUND["channels"] == ["conda-forge"]


def test_its_python_is_the_least_that_the_project_takes() -> None:
    """The locks are made with that one; see their first lines."""
    version = SPECS["python"].removeprefix("=")
    assert version in SpecifierSet(PROJECT["requires-python"])
    assert PROJECT["requires-python"] == f">={version}"
    locked = (ROOT / "requirements" / "base.txt").read_text(encoding="utf-8")
    assert f"with Python {version}\n" in locked


def test_no_package_is_named_twice() -> None:
    """Libraries come out of the locks alone; here are what builds them, and what installs them."""
    asked = chain(PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    packages = {re.split(r"[\[<>=;]", each)[0] for each in asked}
    assert set(SPECS) == {"python", "pip", "make", "cxx-compiler"}
    assert not packages & set(SPECS)


def test_what_it_tells_users_to_run_is_there() -> None:
    told = " && ".join(re.findall(r"^# {3}(.*)$", TEXT, re.MULTILINE)).split(" && ")
    assert f"conda activate {PROJECT['name']}" in told
    assert any(line.startswith("conda env create -f environment.yml") for line in told)
    (installing,) = [line.split() for line in told if line.startswith("scripts/install ")]
    assert (ROOT / installing[0]).stat().st_mode & 0o111
    assert all((ROOT / "requirements" / f"{lock}.txt").is_file() for lock in installing[2:])
    (building,) = [line.split() for line in told if line.startswith("python ")]
    assert (ROOT / building[1]).is_file()
    assert any(line.split()[0] in PROJECT["scripts"] for line in told)
