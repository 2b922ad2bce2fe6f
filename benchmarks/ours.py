"""Our own ways from a decoded photograph to its faces' vectors."""

from collections.abc import Callable

from benchmarks.contenders import ROOT
from benchmarks.others import Picture, Work


def faceserver(detector: str, model: str) -> Work:
    from faceserver.app import make_analyzer
    from faceserver.config import load_settings

    settings = load_settings(detector=detector, model=model, models_dir=ROOT / "models")
    analyzer = make_analyzer(settings)

    def run(picture: Picture) -> list[dict[str, object]]:
        faces = analyzer.find(picture)
        return [{"vector": float((vector**2).sum())} for vector in analyzer.embed(faces)]

    return run


OURS: dict[str, Callable[[], Work]] = {
    "faceserver, MTCNN + FaceNet": lambda: faceserver("mtcnn", "inception_resnet/20180408-102900"),
    "faceserver, YuNet + SFace": lambda: faceserver("yunet", "sface"),
}
