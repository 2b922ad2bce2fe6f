"""Networks of faces by other people's designs, with random weights, as their frameworks have them.

What is published of them cannot be had in tests; their structure is what a converter has to know.
"""

from typing import Any

import numpy as np

Module = Any


def with_random_norms(torch: Any, module: Module) -> Module:
    """Give norms and slopes values as training leaves them: random, and all different."""
    torch.manual_seed(3)
    for part in module.modules():
        if hasattr(part, "running_var") and part.running_var is not None:
            part.running_mean.normal_(0, 0.1)
            part.running_var.uniform_(0.5, 1.5)
            if part.affine:
                torch.nn.init.uniform_(part.weight, 0.5, 1.5)
                torch.nn.init.normal_(part.bias, 0, 0.1)
        if isinstance(part, torch.nn.PReLU):
            torch.nn.init.uniform_(part.weight, 0, 0.5)
    return module.eval()


def edgeface_block(torch: Any, channels: int = 8) -> Module:
    """A block of EdgeFace (EdgeNeXt): attention over channels, layer norms, GELU, low ranks."""
    nn = torch.nn

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, channels, 4, 4)
            self.norm = nn.LayerNorm(channels)
            self.qkv = nn.Linear(channels, 3 * channels)
            self.narrow = nn.Linear(channels, channels // 2, bias=False)
            self.wide = nn.Linear(channels // 2, 4 * channels)
            self.back = nn.Linear(4 * channels, channels)

        def forward(self, x: Any) -> Any:
            x = self.stem(x)
            rows = x.flatten(2).transpose(1, 2)
            q, k, v = self.qkv(self.norm(rows)).transpose(1, 2).chunk(3, 1)
            q, k = (nn.functional.normalize(each, dim=-1) for each in (q, k))
            rows = rows + ((q @ k.transpose(1, 2)).softmax(-1) @ v).transpose(1, 2)
            rows = rows + self.back(nn.functional.gelu(self.wide(self.narrow(rows))))
            return rows.mean(1)

    return Block().eval()


class _Ghost:
    """The parts of GhostFaceNet in Keras."""

    def __init__(self, layers: Any) -> None:
        self.layers = layers

    def norm(self, x: Any) -> Any:
        norms = {"gamma_initializer": "random_uniform", "beta_initializer": "random_normal"}
        return self.layers.BatchNormalization(epsilon=1e-3, **norms)(x)

    def prelu(self, x: Any) -> Any:
        return self.layers.PReLU(shared_axes=[1, 2], alpha_initializer="random_uniform")(x)

    def conv(self, x: Any, channels: int) -> Any:
        return self.norm(self.layers.Conv2D(channels, 1, use_bias=False)(x))

    def depthwise(self, x: Any, stride: int = 1) -> Any:
        return self.norm(self.layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False)(x))

    def ghost(self, x: Any, channels: int, *, act: bool) -> Any:
        half = self.conv(x, channels // 2)
        half = self.prelu(half) if act else half
        cheap = self.depthwise(half)
        return self.layers.Concatenate()([half, self.prelu(cheap) if act else cheap])

    def excited(self, x: Any, channels: int) -> Any:
        gate = self.layers.GlobalAveragePooling2D(keepdims=True)(x)
        gate = self.prelu(self.layers.Conv2D(channels // 4, 1)(gate))
        gate = self.layers.Conv2D(channels, 1, activation="hard_sigmoid")(gate)
        return self.layers.Multiply()([x, gate])

    def bottleneck(self, x: Any, middle: int, channels: int, stride: int) -> Any:
        y = self.ghost(x, middle, act=True)
        y = self.depthwise(y, stride) if stride > 1 else y
        y = self.ghost(self.excited(y, middle), channels, act=False)
        if stride == 1 and x.shape[-1] == channels:
            return self.layers.Add()([x, y])
        return self.layers.Add()([self.conv(self.depthwise(x, stride), channels), y])


def ghostfacenet(keras: Any, side: int = 112, dims: int = 128) -> Module:
    """GhostFaceNet in small: ghost modules, squeeze and excitation, a depthwise product at the end.

    As its authors' Keras files have it, with fewer blocks.
    """
    keras.utils.set_random_seed(3)
    layers, parts = keras.layers, _Ghost(keras.layers)
    given = keras.Input((side, side, 3))
    x = layers.Conv2D(16, 3, 2, padding="same", use_bias=False)(given)
    x = parts.prelu(parts.norm(x))
    for middle, channels, stride in ((16, 16, 1), (48, 24, 2), (72, 24, 1), (72, 40, 2)):
        x = parts.bottleneck(x, middle, channels, stride)
    x = parts.prelu(parts.conv(x, 64))
    x = parts.norm(layers.DepthwiseConv2D(x.shape[1], use_bias=False)(x))
    x = layers.Conv2D(dims, 1, use_bias=False)(layers.Dropout(0.1)(x))
    made = keras.Model(given, parts.norm(layers.Flatten()(x)))
    random = np.random.default_rng(3)
    for layer in made.layers:
        if isinstance(layer, layers.BatchNormalization):
            gamma, beta, mean, variance = layer.get_weights()
            mean = random.normal(0, 0.1, mean.shape)
            layer.set_weights([gamma + 0.5, beta, mean, random.uniform(0.5, 1.5, variance.shape)])
    return made
