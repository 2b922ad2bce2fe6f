import pytest

from faceserver.errors import UnknownName
from faceserver.models.registry import Registry


def test_a_name_stands_for_what_is_imported_on_first_use() -> None:
    registry = Registry("number")
    registry.add("pi", "math:pi")
    registry.add("broken", "no.such.module:thing")
    assert registry.names() == ["broken", "pi"]
    assert registry.load("pi") == pytest.approx(3.14159, abs=1e-5)


def test_a_name_is_taken_once() -> None:
    registry = Registry("number")
    registry.add("pi", "math:pi")
    with pytest.raises(ValueError, match="'pi' is already registered"):
        registry.add("pi", "math:tau")


def test_an_unknown_name_lists_what_there_is() -> None:
    registry = Registry("number")
    registry.add("pi", "math:pi")
    with pytest.raises(UnknownName, match="no number 'e'; there are: pi"):
        registry.load("e")
