"""ArcFace's and AdaFace's residual networks and MobileFaceNet, as PyTorch modules.

Their parameters are named as in the files that people share: IResNet and MobileFaceNet as
InsightFace's arcface_torch writes them, IR as AdaFace does.
"""

from collections.abc import Collection

from torch import Tensor, flatten, nn


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


class _Shortened(nn.Module):  # type: ignore[misc]
    """A block of IR: like IResNet's, but its short way drops places where the depth stays."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.shortcut_layer = (
            nn.MaxPool2d(1, stride)
            if inputs == outputs
            else nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )
        )
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.PReLU(outputs),
            nn.Conv2d(outputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.res_layer(x) + self.shortcut_layer(x)


class AdaFaceIR(nn.Module):  # type: ignore[misc]
    """AdaFace's residual network for pictures of 112 x 112 in BGR."""

    def __init__(self, blocks: Collection[int], dims: int) -> None:
        super().__init__()
        self.input_layer = nn.Sequential(
            nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.PReLU(64)
        )
        parts, inputs = [], 64
        for stage, count in enumerate(blocks):
            outputs = 64 << stage
            parts.append(_Shortened(inputs, outputs, 2))
            parts.extend(_Shortened(outputs, outputs, 1) for _ in range(count - 1))
            inputs = outputs
        self.body = nn.Sequential(*parts)
        self.output_layer = nn.Sequential(
            nn.BatchNorm2d(512),
            nn.Dropout(0.4),
            nn.Flatten(),
            nn.Linear(512 * 7 * 7, dims),
            nn.BatchNorm1d(dims, affine=False),
        )

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        return self.output_layer(self.body(self.input_layer(x)))


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
