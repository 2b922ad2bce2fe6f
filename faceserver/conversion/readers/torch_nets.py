"""The architectures by name whose weights are shared without them, as PyTorch modules.

The names of the parameters are those of the files that people share: IResNet and MobileFaceNet as
InsightFace's arcface_torch writes them, Inception-ResNet-v1 as facenet-pytorch does.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from torch import Tensor, cat, flatten, nn

Pair = tuple[int, int]


class _Residual(nn.Module):  # type: ignore[misc]
    """A block of IResNet: the norms come before the convolutions."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.prelu = nn.PReLU(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, stride, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = (
            nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )
            if stride > 1
            else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        made = self.bn2(self.conv1(self.bn1(x)))
        return self.bn3(self.conv2(self.prelu(made))) + self.downsample(x)


class IResNet(nn.Module):  # type: ignore[misc]
    """ArcFace's residual network for pictures of 112 x 112."""

    def __init__(self, blocks: Collection[int], dims: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.prelu = nn.PReLU(64)
        inputs = 64
        for stage, count in enumerate(blocks):
            outputs = 64 << stage
            parts = [
                _Residual(inputs if not i else outputs, outputs, 1 + (not i)) for i in range(count)
            ]
            setattr(self, f"layer{stage + 1}", nn.Sequential(*parts))
            inputs = outputs
        self.bn2 = nn.BatchNorm2d(512)
        self.fc = nn.Linear(512 * 7 * 7, dims)
        self.features = nn.BatchNorm1d(dims)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        x = self.prelu(self.bn1(self.conv1(x)))
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        return self.features(self.fc(flatten(self.bn2(x), 1)))


class _Steps(nn.Module):  # type: ignore[misc]
    """Modules one after the other, called ``layers``."""

    def __init__(self, *parts: nn.Module, residual: bool = False) -> None:
        super().__init__()
        self.layers = nn.Sequential(*parts)
        self._residual = residual

    def forward(self, x: Tensor) -> Tensor:
        made = self.layers(x)
        return x + made if self._residual else made


def _normed(
    inputs: int,
    outputs: int,
    kernel: int = 1,
    stride: int = 1,
    groups: int = 1,
    *,
    slopes: bool = True,
) -> _Steps:
    padding = 1 if kernel == 3 else 0
    parts: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return _Steps(*parts, *([nn.PReLU(outputs)] if slopes else []))


def _separable(inputs: int, outputs: int, width: int, stride: int) -> _Steps:
    return _Steps(
        _normed(inputs, width),
        _normed(width, width, 3, stride, width),
        _normed(width, outputs, slopes=False),
        residual=stride == 1,
    )


class MobileFaceNet(nn.Module):  # type: ignore[misc]
    """MobileFaceNet for pictures of 112 x 112."""

    def __init__(self, blocks: tuple[int, int, int, int], scale: int, dims: int) -> None:
        super().__init__()
        narrow, wide = 64 * scale, 128 * scale

        def repeated(channels: int, count: int, width: int) -> _Steps:
            return _Steps(*(_separable(channels, channels, width, 1) for _ in range(count)))

        second = (
            _normed(narrow, narrow, 3, groups=64)
            if blocks[0] == 1
            else repeated(narrow, blocks[0], 128)
        )
        self.layers = nn.ModuleList(
            [
                _normed(3, narrow, 3, 2),
                second,
                _separable(narrow, narrow, 128, 2),
                repeated(narrow, blocks[1], 128),
                _separable(narrow, wide, 256, 2),
                repeated(wide, blocks[2], 256),
                _separable(wide, wide, 512, 2),
                repeated(wide, blocks[3], 256),
            ]
        )
        self.conv_sep = _normed(wide, 512)
        self.features = _Steps(
            _normed(512, 512, 7, groups=512, slopes=False),
            nn.Flatten(),
            nn.Linear(512, dims, bias=False),
            nn.BatchNorm1d(dims),
        )

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        for layer in self.layers:
            x = layer(x)
        return self.features(self.conv_sep(x))


class _Basic(nn.Module):  # type: ignore[misc]
    """A convolution with its norm and activation, as Inception networks repeat it."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int | Pair, stride: int = 1, pad: int | Pair = 0
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, pad, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.relu(self.bn(self.conv(x)))


class _Branches(nn.Module):  # type: ignore[misc]
    """Branches side by side; with ``scale`` their sum with the input."""

    def __init__(
        self, *branches: nn.Module, up: Pair | None = None, scale: float = 1, relu: bool = True
    ) -> None:
        super().__init__()
        self._count, self._scale, self._relu = len(branches), scale, relu
        for index, branch in enumerate(branches):
            setattr(self, f"branch{index}", branch)
        self.conv2d = nn.Conv2d(*up, 1) if up else None

    def forward(self, x: Tensor) -> Tensor:
        made = cat([getattr(self, f"branch{i}")(x) for i in range(self._count)], 1)
        if self.conv2d is None:
            return made
        total = self.conv2d(made) * self._scale + x
        return nn.functional.relu(total) if self._relu else total


def _block35() -> nn.Module:
    middle = _Basic(32, 32, 3, pad=1)
    return _Branches(
        _Basic(256, 32, 1),
        nn.Sequential(_Basic(256, 32, 1), middle),
        nn.Sequential(_Basic(256, 32, 1), _Basic(32, 32, 3, pad=1), _Basic(32, 32, 3, pad=1)),
        up=(96, 256),
        scale=0.17,
    )


def _cross(channels: int, width: int, length: int, scale: float, *, relu: bool = True) -> nn.Module:
    """A block with a wide and a high kernel one after the other."""
    pad = length // 2
    return _Branches(
        _Basic(channels, width, 1),
        nn.Sequential(
            _Basic(channels, width, 1),
            _Basic(width, width, (1, length), pad=(0, pad)),
            _Basic(width, width, (length, 1), pad=(pad, 0)),
        ),
        up=(2 * width, channels),
        scale=scale,
        relu=relu,
    )


class InceptionResnetV1(nn.Module):  # type: ignore[misc]
    """FaceNet's Inception-ResNet-v1 for pictures of 160 x 160."""

    def __init__(self, dims: int) -> None:
        super().__init__()
        self.conv2d_1a = _Basic(3, 32, 3, 2)
        self.conv2d_2a = _Basic(32, 32, 3)
        self.conv2d_2b = _Basic(32, 64, 3, pad=1)
        self.maxpool_3a = nn.MaxPool2d(3, 2)
        self.conv2d_3b = _Basic(64, 80, 1)
        self.conv2d_4a = _Basic(80, 192, 3)
        self.conv2d_4b = _Basic(192, 256, 3, 2)
        self.repeat_1 = nn.Sequential(*(_block35() for _ in range(5)))
        self.mixed_6a = _Branches(
            _Basic(256, 384, 3, 2),
            nn.Sequential(_Basic(256, 192, 1), _Basic(192, 192, 3, pad=1), _Basic(192, 256, 3, 2)),
            nn.MaxPool2d(3, 2),
        )
        self.repeat_2 = nn.Sequential(*(_cross(896, 128, 7, 0.1) for _ in range(10)))
        self.mixed_7a = _Branches(
            nn.Sequential(_Basic(896, 256, 1), _Basic(256, 384, 3, 2)),
            nn.Sequential(_Basic(896, 256, 1), _Basic(256, 256, 3, 2)),
            nn.Sequential(_Basic(896, 256, 1), _Basic(256, 256, 3, pad=1), _Basic(256, 256, 3, 2)),
            nn.MaxPool2d(3, 2),
        )
        self.repeat_3 = nn.Sequential(*(_cross(1792, 192, 3, 0.2) for _ in range(5)))
        self.block8 = _cross(1792, 192, 3, 1.0, relu=False)
        self.last_linear = nn.Linear(1792, dims, bias=False)
        self.last_bn = nn.BatchNorm1d(dims, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        for name, module in self.named_children():
            if not name.startswith("last_"):
                x = module(x)
        return self.last_bn(self.last_linear(x.mean((2, 3))))


_BLOCKS = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 14, 3),
    100: (3, 13, 30, 3),
    200: (6, 26, 60, 6),
}


def _iresnet(depth: int) -> Callable[[Mapping[str, Tensor]], nn.Module]:
    return lambda weights: IResNet(_BLOCKS[depth], len(weights["fc.weight"]))


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
    "mobilefacenet": (112, _mobilefacenet),
    "inception_resnet_v1": (
        160,
        lambda weights: InceptionResnetV1(len(weights["last_linear.weight"])),
    ),
}
"""By name: the sides of the picture, and what makes the module that the weights belong to."""

IGNORED = ("logits.", "num_batches_tracked")
"""Of weights that a file may have and an embedding does not need: how their names begin or end."""


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
        if not key.startswith(IGNORED[0]) and not key.endswith(IGNORED[1])
    }
    problems = module.load_state_dict(wanted, strict=False)
    missing = [key for key in problems.missing_keys if not key.endswith(IGNORED[1])]
    if missing or problems.unexpected_keys:
        unlike = [*missing, *problems.unexpected_keys]
        raise KeyError(f"{len(unlike)} weights such as {unlike[0]} are in one of the two alone")
    return module.eval()
