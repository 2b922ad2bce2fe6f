"""Takes files that somebody has put in the place of a model's own for this model's from now on."""

import re
import tomllib
from pathlib import Path

from faceserver.conversion.files import write_whole
from faceserver.conversion.model_toml import UNCALIBRATED
from faceserver.errors import ModelError
from faceserver.evaluation.calibration import with_calibration
from faceserver.models.files import FoundModel, problems, sha256_of
from faceserver.models.spec import EmbedderSpec, load_any_spec


def accept(model: FoundModel, models: Path) -> list[str]:
    """Write the sha256 of a model's files into its description, and drop what no longer holds.

    Of other weights neither the licence nor the photographs that they were trained on are known,
    and an embedder's distances have not been measured with them.

    Args:
        model: whose files are to be accepted as they are.
        models: the models' folder.

    Returns:
        The names of the files that were accepted; none where all were the model's own.

    Raises:
        ModelError: a file is missing, an ONNX file was not made from the Caffe files beside it, or
            a digest does not stand in the description itself.
    """
    path = models / model.name / "model.toml"
    text, accepted = path.read_text(encoding="utf-8"), []
    for files in model.spec.networks.values():
        for file in files.paths:
            expected = files.sha256.get(file.name)
            if expected is None or not file.exists():
                continue
            found = sha256_of(file)
            if found != expected:
                if expected not in text:
                    raise ModelError(f"{path} does not say the sha256 of {file.name} itself")
                text = text.replace(expected, found)
                accepted.append(file.name)
    if accepted:
        text = _without_claims(text, model, accepted)
        previous = path.read_bytes()
        write_whole(path, text.encode())
        wrong = list(problems(load_any_spec(path.parent)))
        if wrong:
            write_whole(path, previous)
            raise ModelError(
                f"{model.name}: {'; '.join(wrong)}; run `faceserver models build` first"
            )
    return accepted


def _without_claims(text: str, model: FoundModel, accepted: list[str]) -> str:
    words = {
        "source": f"weights that were put in place of the published ones: {', '.join(accepted)}"
    }
    for key, value in {**words, "licence": "unknown"}.items():
        text = re.sub(
            rf"(?m)^{key} = .*$", f'{key} = "{value}"'.replace("\\", r"\\\\"), text, count=1
        )
    text = re.sub(r"(?m)^trained_on = .*\n", "", text, count=1)
    spec = model.spec
    if isinstance(spec, EmbedderSpec) and "[distances]" in text:
        plain = spec.distances.model_copy(
            update={"calibration": UNCALIBRATED, "similarity": None, "measured": ()}
        )
        text = with_calibration(text, plain)
    tomllib.loads(text)
    return text
