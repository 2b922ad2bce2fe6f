"""The architectures by name whose weights are shared without them, as PyTorch modules."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from faceserver.conversion.readers.torch_inception import InceptionResnetV1
from faceserver.conversion.readers.torch_resnets import AdaFaceIR, IResNet, MobileFaceNet

_BLOCKS = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 14, 3),
    100: (3, 13, 30, 3),
    200: (6, 26, 60, 6),
}

_ADAFACE_BLOCKS = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 14, 3),
    101: (3, 13, 30, 3),
}


def _iresnet(depth: int) -> Callable[[Mapping[str, Tensor]], nn.Module]:
    return lambda weights: IResNet(_BLOCKS[depth], len(weights["fc.weight"]))


def _adaface(depth: int) -> Callable[[Mapping[str, Tensor]], nn.Module]:
    return lambda weights: AdaFaceIR(_ADAFACE_BLOCKS[depth], len(weights["output_layer.3.weight"]))


def _mobilefacenet(weights: Mapping[str, Tensor]) -> nn.Module:
    """Take how many blocks there are, and how wide, from the names and shapes of the weights."""
    found = [
        re.match(r"layers\.(\d+)\.layers\.(\d+)\.layers\.\d+\.layers", name) for name in weights
    ]
    counts = [0] * 8
    for match in filter(None, found):
        counts[int(match[1])] = max(counts[int(match[1])], int(match[2]) + 1)
    blocks = (counts[1] or 1, counts[3], counts[5], counts[7])
    scale = len(weights["layers.0.layers.0.weight"]) // 64
    return MobileFaceNet(blocks, scale, len(weights["features.layers.2.weight"]))


NETS: Mapping[str, tuple[int, Callable[[Mapping[str, Tensor]], nn.Module]]] = {
    **{f"iresnet{depth}": (112, _iresnet(depth)) for depth in _BLOCKS},
    **{f"adaface_ir{depth}": (112, _adaface(depth)) for depth in _ADAFACE_BLOCKS},
    "mobilefacenet": (112, _mobilefacenet),
    "inception_resnet_v1": (
        160,
        lambda weights: InceptionResnetV1(len(weights["last_linear.weight"])),
    ),
}
"""By name: the sides of the picture, and what makes the module that the weights belong to."""

HEADS = ("logits.", "head.")
"""How the names begin of weights that training needs, and an embedding does not."""

_COUNTER = "num_batches_tracked"


def load_net(name: str, weights: Mapping[str, Any]) -> Any:
    """Make a module and give it weights.

    Raises:
        KeyError: a weight is missing.
        RuntimeError: names or shapes differ.
    """
    module = NETS[name][1](weights)
    wanted = {
        key: value
        for key, value in weights.items()
        if not key.startswith(HEADS) and not key.endswith(_COUNTER)
    }
    problems = module.load_state_dict(wanted, strict=False)
    missing = [key for key in problems.missing_keys if not key.endswith(_COUNTER)]
    if missing or problems.unexpected_keys:
        unlike = [*missing, *problems.unexpected_keys]
        raise KeyError(f"{len(unlike)} weights such as {unlike[0]} are in one of the two alone")
    return module.eval()
