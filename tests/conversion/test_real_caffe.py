"""The real models in Caffe itself, against the published files that they were made from."""

import numpy as np
import pytest
from PIL import Image

from faceserver.conversion.checks.judge import difference, unit
from faceserver.conversion.published import published
from faceserver.models.spec import EmbedderSpec, NetworkFiles, Spec
from faceserver.types import Floats
from tests.conversion.test_models import CACHE, NETWORKS, built
from tests.support.photographs import Photographs
from tests.support.pycaffe import PYCAFFE, run_caffe

pytestmark = [*PYCAFFE]

SIZES = {
    "det1": (97, 140),
    "det2": (24, 24),
    "det3": (48, 48),
    "facenet": (160, 160),
    "yunet": (192, 256),
    "sface": (112, 112),
}
LARGEST = {
    "det1": 1e-4,
    "det2": 1e-5,
    "det3": 1e-5,
    "facenet": 1e-5,
    "yunet": 1e-4,
    "sface": 1e-5,
}


def pictures(photographs: Photographs, size: tuple[int, int]) -> Floats:
    """Four photographs and their mirror images, as networks take them."""
    rows, columns = size
    each = []
    for name in ("obama.jpg", "obama2.jpg", "biden.jpg", "astronaut.png"):
        with Image.open(photographs[name]) as picture:
            pixels = np.asarray(picture.convert("RGB").resize((columns, rows)), np.float32)
        each += [pixels, pixels[:, ::-1]]
    return np.asarray((np.stack(each) - 127.5).transpose(0, 3, 1, 2) * 0.0078125, np.float32)


@pytest.mark.parametrize(("spec", "files"), NETWORKS, ids=SIZES)
def test_caffe_agrees_with_the_published_file(
    spec: Spec, files: NetworkFiles, photographs: Photographs
) -> None:
    prototxt, caffemodel, _ = built(files)
    name = caffemodel.stem
    blob = pictures(photographs, SIZES[name])
    outputs = published(name).run(published(name).fetch(spec, CACHE), blob)
    expected = {published(name).outputs[output]: values for output, values in outputs.items()}
    found = run_caffe(prototxt, caffemodel, blob, expected)
    if isinstance(spec, EmbedderSpec):
        expected, found = unit(expected), unit(found)
    apart = difference(name, expected, found)
    print(f"{name}: {apart:.1e}")  # seen with pytest -rP
    assert apart < LARGEST[name]
