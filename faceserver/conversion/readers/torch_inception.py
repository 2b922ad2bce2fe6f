"""FaceNet's Inception-ResNet-v1 as a PyTorch module, its parameters named as facenet-pytorch's."""

from torch import Tensor, cat, nn

Pair = tuple[int, int]


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
