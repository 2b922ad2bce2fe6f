"""ArcFace and its kin: a face that is aligned to a template becomes a unit vector.

After J. Deng, J. Guo, N. Xue, S. Zafeiriou: ArcFace: Additive Angular Margin Loss for Deep Face
Recognition, CVPR 2019. Published networks differ in the order of colours, in what happens to the
pixels, in the length of the vector and in how many faces they take at once; ``model.toml`` says it.
"""

from pydantic import Field

from faceserver.errors import ModelError
from faceserver.models.spec import AlignedCrop, EmbedderSpec
from faceserver.vision.base import Loading
from faceserver.vision.facenet import FaceNetEmbedder, FaceNetOptions


class ArcFaceOptions(FaceNetOptions):
    """How the network is asked.

    Attributes:
        batch: faces that it takes in one call; 1 for a network that was made for one.
        mirror: as of every embedder.
    """

    batch: int = Field(8, ge=1, le=8)


class ArcFaceEmbedder(FaceNetEmbedder):
    """Turns aligned faces into unit vectors; safe to call from several threads at once."""

    options = ArcFaceOptions

    def __init__(self, spec: EmbedderSpec, loading: Loading) -> None:
        """Load the network; helpers run parts of a large batch.

        Raises:
            ModelError: it is missing, cannot be read, or is none with one input and one output; or
                the crop is not aligned, or an option does not fit.
        """
        if not isinstance(spec.crop, AlignedCrop):
            raise ModelError(f"{spec.name} needs a crop of the kind aligned")
        options = ArcFaceOptions.of(spec)
        self.sizes = tuple(size for size in self.sizes if size <= options.batch)
        super().__init__(spec, loading)


make = ArcFaceEmbedder
"""How the registry of architectures makes one."""
