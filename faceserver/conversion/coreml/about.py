"""What is told of a model beside its weights: its normalization, its source, its licence."""

from dataclasses import dataclass

from faceserver.conversion.network import Network
from faceserver.conversion.normalizations import in_words
from faceserver.conversion.options import Pixels
from faceserver.models.spec import Normalization

_UNKNOWN = "not stated"


@dataclass(frozen=True)
class About:
    """What a CoreML file says of its model.

    Attributes:
        name: of the model.
        author: who stands behind the file.
        licence: of the weights.
        source: where the weights come from.
        normalization: what happens to the pixels first.
        channels: the order of the colours that the network takes; the file takes any picture.
    """

    name: str
    author: str
    licence: str
    source: str
    normalization: Normalization
    channels: str = "rgb"


def about(network: Network, pixels: Pixels) -> About:
    """Gather what is known of a network: no more than its sha256 or its user's word tells."""
    known, path = pixels.known, network.source.path
    return About(
        name=known.name if known else path.stem,
        author=_UNKNOWN,
        licence=known.licence if known else _UNKNOWN,
        source=known.source if known else path.name,
        normalization=pixels.normalization,
        channels=pixels.channels,
    )


def metadata(
    about: About, sha256: str, shape: tuple[int, int, int], dims: int | None
) -> dict[str, str]:
    """Return the entries that a CoreML file carries beside its author and licence."""
    _channels, rows, columns = shape
    words = {
        "source": about.source,
        "source_sha256": sha256,
        "input": f"{about.channels.upper()} picture of a face, {columns}x{rows} pixels",
        "normalization": f"inside: {in_words(about.normalization)}",
    }
    if dims is None:
        return words
    alike = "squared L2 distance of two embeddings: the smaller, the more alike"
    return {**words, "dims": str(dims), "distance": alike}


def swift_line(class_name: str) -> str:
    """Return how an app calls the model; Xcode names the class after the file."""
    return (
        f"let vector = try {class_name}(configuration: MLModelConfiguration())"
        ".prediction(image: pixelBuffer).embedding"
    )
