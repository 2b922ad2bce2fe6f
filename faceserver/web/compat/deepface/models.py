"""Which of DeepFace's models ours stands for."""

from faceserver.errors import InvalidRequest
from faceserver.services.analysis import Analysis
from faceserver.web.compat.deepface.inputs import Arguments

_BY_DIMS = {512: "Facenet512", 128: "Facenet"}


def checked_model(arguments: Arguments, analysis: Analysis) -> str:
    """Our model's name, which an answer tells; another one must not be asked for.

    Raises:
        InvalidRequest: another one is.
    """
    known = (analysis.model, *_names(analysis))
    wanted = arguments.text("model_name", analysis.model)
    if wanted.lower() not in {name.lower() for name in known}:
        raise InvalidRequest(f"model {wanted!r} is not available; available: {', '.join(known)}")
    return analysis.model


def _names(analysis: Analysis) -> tuple[str, ...]:
    """What DeepFace calls it: FaceNet by its length, SFace by its name, which is ours too."""
    if analysis.model == "sface" or analysis.dims not in _BY_DIMS:
        return ()
    return (_BY_DIMS[analysis.dims],)
