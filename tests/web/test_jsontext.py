"""What is taken for JSON: nothing that a store or an answer could not hold."""

import pytest

from faceserver.web.jsontext import strict_json


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" + "0" * 400, "-" + "9" * 400]
)
def test_no_number_that_is_not_finite_is_read(number: str) -> None:
    for text in (number, f"[{number}]", f'{{"a": {{"b": [1, {number}]}}}}'):
        with pytest.raises(ValueError, match=r"not JSON|too large"):
            strict_json(text)


def test_half_a_character_is_no_text() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        strict_json(r'{"name": "\ud800"}')


def test_what_is_finite_is_read_as_it_stands() -> None:
    text = '{"a": [1.5, -0.0, 1e308, 12345678901234567890, true, null, "\\ud83d\\ude00"]}'
    assert strict_json(text) == {
        "a": [1.5, -0.0, 1e308, 12345678901234567890, True, None, "\N{GRINNING FACE}"]
    }
