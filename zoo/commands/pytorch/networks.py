"""The networks of zoo/networks/conv.py in PyTorch: same layers, sizes and parameters.

Images are `[B, C, H, W]`, as PyTorch has them. Nothing here imports the zoo: PyTorch is
measured in a process without TensorFlow.
"""

import math

from torch import nn


def level_sizes(image_shape):
    """Returns the heights and widths from the image down to the last level of 4 or
    more."""
    sizes = [tuple(image_shape[:2])]
    while min(sizes[-1]) // 2 >= 4:
        sizes.append(tuple(-(-side // 2) for side in sizes[-1]))
    return sizes


def level_widths(image_shape, width):
    """Returns the channels of each level below the image: doubled per level, up to 8
    times."""
    levels = len(level_sizes(image_shape)) - 1
    return [width * min(2**level, 8) for level in range(levels)]


def activate(channels, activation, normalization=None, flat=False):
    """Returns layers that normalise (`"batch"` or None) and activate `channels`."""
    layers = []
    if normalization == "batch":
        norm = nn.BatchNorm1d if flat else nn.BatchNorm2d
        layers.append(norm(channels, eps=1e-5, momentum=0.1))
    if activation == "leaky_relu":
        return [*layers, nn.LeakyReLU(0.2, inplace=True)]
    return [*layers, nn.ReLU(inplace=True)]


def trunk(
    channels_in,
    image_shape,
    width,
    activation="leaky_relu",
    normalization="batch",
    normalize_first=True,
    downsample="stride",
):
    """Returns layers that halve the size by one convolution per level; see
    `conv.trunk`."""
    layers = []
    sizes = level_sizes(image_shape)
    for level, channels in enumerate(level_widths(image_shape, width)):
        norm = normalization if level or normalize_first else None
        bias = norm is None
        if downsample == "pool":
            layers.append(nn.Conv2d(channels_in, channels, 3, padding=1, bias=bias))
            layers.append(nn.MaxPool2d(2, ceil_mode=True))
        else:
            height, breadth = sizes[level]
            if height % 2 or breadth % 2:  # Keras rounds odd sizes up
                layers.append(nn.ZeroPad2d((0, breadth % 2, 0, height % 2)))
            layers.append(nn.Conv2d(channels_in, channels, 4, 2, 1, bias=bias))
        layers += activate(channels, activation, norm)
        channels_in = channels
    return layers


def mirror(
    features, image_shape, width, activation="relu", normalization="batch", tanh=True
):
    """Returns layers from `[B, features]` to an image; see `conv.mirror`."""
    bias = normalization is None
    sizes = level_sizes(image_shape)
    widths = level_widths(image_shape, width)
    shape = (widths[-1], *sizes[-1])
    layers = [nn.Linear(features, math.prod(shape), bias=bias), nn.Unflatten(1, shape)]
    layers += activate(widths[-1], activation, normalization)
    channels_in = widths[-1]
    for size, channels in zip(sizes[-2:0:-1], widths[-2::-1]):
        layers.append(nn.ConvTranspose2d(channels_in, channels, 4, 2, 1, bias=bias))
        layers += [*crop(size), *activate(channels, activation, normalization)]
        channels_in = channels
    layers.append(nn.ConvTranspose2d(channels_in, image_shape[-1], 4, 2, 1))
    layers += crop(sizes[0])
    return [*layers, nn.Tanh()] if tanh else layers


def crop(size):
    """Returns layers that cut the result of a transposed convolution down to `size`."""
    height, breadth = size
    if not height % 2 and not breadth % 2:
        return []
    return [nn.ZeroPad2d((0, -(breadth % 2), 0, -(height % 2)))]


def dense(features, units, activation, normalization=None):
    """Returns a dense layer of `units`, normalised and activated."""
    layers = [nn.Linear(features, units, bias=normalization is None)]
    return layers + activate(units, activation, normalization, flat=True)


def features_of(image_shape, width):
    """Returns the number of features at the end of the trunk."""
    return (
        math.prod(level_sizes(image_shape)[-1]) * level_widths(image_shape, width)[-1]
    )


def encoder(
    image_shape, units, width, hidden, activation="leaky_relu", normalization=None,
    bias=True, **options,
):  # fmt: skip
    """`[B, C, H, W]` -> `[B, units]`, the last layer with `bias` or without; see
    `conv.build_encoder`."""
    layers = trunk(
        image_shape[-1], image_shape, width, activation, normalization, **options
    )
    layers.append(nn.Flatten())
    features = features_of(image_shape, width)
    if hidden:
        layers += dense(features, hidden, activation, normalization)
    return nn.Sequential(*layers, nn.Linear(hidden or features, units, bias=bias))


def decoder(
    image_shape, latent_dim, width, hidden, activation="leaky_relu", normalization=None,
    tanh=True,
):  # fmt: skip
    """`[B, latent_dim]` -> `[B, C, H, W]`; see `conv.build_decoder`."""
    layers = []
    if hidden:
        layers += dense(latent_dim, hidden, activation, normalization)
    features = hidden or latent_dim
    layers += mirror(features, image_shape, width, activation, normalization, tanh)
    return nn.Sequential(*layers)
