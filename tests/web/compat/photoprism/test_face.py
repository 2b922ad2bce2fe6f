"""Crops in, vectors out, in order."""

import numpy as np
import pytest
from flask.testing import FlaskClient

from tests.services.test_facade import BLUE, RED, png
from tests.web.compat.photoprism.bad_inputs import FACE, as_text


def test_each_crop_is_embedded_whole_in_its_place(http: FlaskClient) -> None:
    dark = (12, 6, 4)  # nothing that a detector would find
    images = [as_text(png(RED)), "", "https://faces.example/red", as_text(png(dark, BLUE))]
    body = {"id": "abc", "suffix": "", "stream": False, "images": images}
    answer = http.post(f"/as/photoprism{FACE}", json=body)
    assert answer.status_code == 200
    told = answer.get_json()
    assert (told["id"], told["code"]) == ("abc", 200)
    assert told["model"] | {"version": ""} == {
        "type": "face",
        "name": "colour",
        "version": "",
        "resolution": 16,
    }
    first, kept, fetched, mixed = told["result"]["embeddings"]
    assert kept == []
    assert first == fetched
    assert all(np.linalg.norm(one[0]) == pytest.approx(1) for one in (first, fetched, mixed))
    assert mixed != first
