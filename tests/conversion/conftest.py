"""Where Caffe is there, tests that run a network everywhere run it there, too."""

import pytest

from tests.conversion.graphs import run_everywhere
from tests.support.pycaffe import HAS_CAFFE


@pytest.hookimpl(tryfirst=True)  # before tests are chosen by their marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # They run without Caffe, too, so only the run that asks for the mark sees it on them.
    if not HAS_CAFFE or config.option.markexpr != "pycaffe":
        return
    for item in items:
        module = getattr(item, "module", None)
        if getattr(module, "run_everywhere", None) is run_everywhere:
            item.add_marker(pytest.mark.pycaffe)
