"""Puts the models' descriptions and the pinned sources of their weights into the wheel.

They stand at the top of a checkout, where people look for them, and inside the package once it is
installed; :mod:`faceserver.folders` knows both places. All else is in pyproject.toml.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

_SHIPPED = ("models/**/model.toml", "models/**/*.prototxt", "requirements/weights.txt")


class BuildWithDescriptions(build_py):
    """Also copies what is listed above to ``faceserver/shipped``."""

    def run(self) -> None:
        """Build, then copy."""
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib, "faceserver", "shipped")
        for pattern in _SHIPPED:
            for path in sorted(Path().glob(pattern)):
                (target / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target / path)


setup(cmdclass={"build_py": BuildWithDescriptions})
