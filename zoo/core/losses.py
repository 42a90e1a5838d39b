"""Losses as pure functions: tensors in, a scalar out. They take logits, not
probabilities.

Unless said otherwise the unit is nats and the mean is over the batch.
"""

import math

from keras import ops

from zoo.inputs.tensors import Tensor


def _per_image(values):
    """Sums `[B, ...]` over everything but the batch, in float32."""
    values = ops.cast(values, "float32")
    return ops.sum(values, axis=tuple(range(1, len(values.shape))))


def kl_normal(z_mean: Tensor, z_logvar: Tensor) -> Tensor:
    """KL(N(z_mean, exp(z_logvar)) || N(0, 1)) of each row `[B, D]` -> `[B]`, in nats.

    Source: Kingma and Welling 2013, arXiv:1312.6114, appendix B.
    """
    z_mean, z_logvar = ops.cast(z_mean, "float32"), ops.cast(z_logvar, "float32")
    return 0.5 * ops.sum(
        ops.square(z_mean) + ops.exp(z_logvar) - 1.0 - z_logvar, axis=-1
    )


def warmup(iterations: Tensor, steps: int) -> Tensor | float:
    """Returns the weight of a KL term, which rises from 0 to 1 over the first `steps`
    steps; 1 with none."""
    if not steps:
        return 1.0
    return ops.minimum((ops.cast(iterations, "float32") + 1.0) / steps, 1.0)


def kl_normals(
    q_mean: Tensor, q_logvar: Tensor, p_mean: Tensor, p_logvar: Tensor
) -> Tensor:
    """KL(N(q_mean, exp(q_logvar)) || N(p_mean, exp(p_logvar))) `[..., D]` -> `[...]`,
    in nats.

    Source: the closed form, as in the authors' code of Denton and Fergus 2018,
        arXiv:1802.07687, train_svg_lp.py.
    """
    q_mean, q_logvar = ops.cast(q_mean, "float32"), ops.cast(q_logvar, "float32")
    p_mean, p_logvar = ops.cast(p_mean, "float32"), ops.cast(p_logvar, "float32")
    square = ops.square(q_mean - p_mean) * ops.exp(-p_logvar)
    ratio = ops.exp(q_logvar - p_logvar)
    return 0.5 * ops.sum(p_logvar - q_logvar + ratio + square - 1.0, axis=-1)


def log_normal(x: Tensor, mean: Tensor = 0.0, logvar: Tensor = 0.0) -> Tensor:
    """log N(x; mean, exp(logvar)), summed per row `[B, ...]` -> `[B]`, in nats."""
    square = ops.square(x - mean) * ops.exp(-logvar)
    return -0.5 * _per_image(square + logvar + math.log(2 * math.pi))


def mean_squared_error(x: Tensor, x_rec: Tensor) -> Tensor:
    """Squared error per pixel, mean over the batch: a scalar."""
    return ops.mean(ops.square(ops.cast(x, "float32") - ops.cast(x_rec, "float32")))


def squared_error(x: Tensor, x_rec: Tensor) -> Tensor:
    """Squared error summed over each image `[B, ...]` -> `[B]`."""
    return _per_image(ops.square(ops.cast(x, "float32") - ops.cast(x_rec, "float32")))


def bernoulli_nll(x: Tensor, logits: Tensor) -> Tensor:
    """-log Bernoulli(x; sigmoid(logits)) of each image `[B, ...]` -> `[B]`, in nats.

    `x` holds 0 and 1. softplus keeps it finite at any logit.
    Source: Kingma and Welling 2013, arXiv:1312.6114, appendix C.1.
    """
    logits = ops.cast(logits, "float32")
    return _per_image(ops.softplus(logits) - x * logits)


def gaussian_nll(x: Tensor, x_rec: Tensor, log_sigma: Tensor) -> Tensor:
    """-log N(x; x_rec, exp(log_sigma)^2) of each image `[B, ...]` -> `[B]`, in nats of
    the density over pixels in [-1, 1]."""
    return -log_normal(
        ops.cast(x, "float32"), ops.cast(x_rec, "float32"), 2.0 * log_sigma
    )


def discretized_logistic_nll(x: Tensor, x_rec: Tensor, log_scale: Tensor) -> Tensor:
    """-log P(x) of 8-bit pixels under a logistic distribution cut into 256 bins.

    `x`, `x_rec`: `[B, H, W, C]` in [-1, 1]; `log_scale` a scalar. Returns `[B]`, in
    nats. The first and last bin take the tails.
    Source: Salimans et al. 2017 (PixelCNN++), arXiv:1701.05517, section 2.1, with one
    component.
    """
    x, x_rec = ops.cast(x, "float32"), ops.cast(x_rec, "float32")
    half_bin = 1.0 / 255.0
    upper = (x - x_rec + half_bin) * ops.exp(-log_scale)
    lower = (x - x_rec - half_bin) * ops.exp(-log_scale)
    # log(sigmoid(u) - sigmoid(l)) = log_sigmoid(u) + log_sigmoid(-l) + log(1 - e^(l-u))
    width = 2.0 * half_bin * ops.exp(-log_scale)
    inside = -ops.softplus(-upper) - ops.softplus(lower) + ops.log(-ops.expm1(-width))
    log_p = ops.where(
        x < -0.999,
        -ops.softplus(-upper),
        ops.where(x > 0.999, -ops.softplus(lower), inside),
    )
    return -_per_image(log_p)


def discretized_gaussian_nll(x: Tensor, x_rec: Tensor, log_sigma: Tensor) -> Tensor:
    """-log P(x) of 8-bit pixels under a normal distribution cut into 256 bins.

    `x`, `x_rec`: `[B, H, W, C]` in [-1, 1]; `log_sigma` a scalar or of their shape.
    Returns `[B]`, in nats. The first and last bin take the tails.
    Source: Ho et al. 2020, arXiv:2006.11239, equation 13, with their code's floor of
    1e-12 under a pixel's probability.
    """
    x, x_rec = ops.cast(x, "float32"), ops.cast(x_rec, "float32")
    scale = ops.exp(-ops.cast(log_sigma, "float32")) / math.sqrt(2.0)
    # The edges of the bin, of which the nearer one may lie beyond the mean; the first
    # and the last bin have no farther one.
    distance, is_last = ops.abs(x - x_rec), ops.abs(x) > 0.999
    distance = ops.where(is_last, ops.sign(x) * (x - x_rec), distance)
    near, far = (distance - 1.0 / 255.0) * scale, (distance + 1.0 / 255.0) * scale
    twice = ops.where(is_last, 1.0, ops.erf(far)) - ops.erf(near)
    tail = _erfc(near) - ops.where(is_last, 0.0, _erfc(far))
    p = 0.5 * ops.where(near > FAR, tail, twice)
    return -_per_image(ops.log(ops.maximum(p, 1e-12)))


FAR = 2.0  # from here on, 1 - erf in float32 has lost digits


def _erfc(z):
    """1 - erf(z) where z is at least `FAR`.

    Source: Laplace's continued fraction, Abramowitz and Stegun 1964, 7.1.14.
    """
    z = ops.maximum(z, FAR)
    fraction = z
    for k in range(20, 0, -1):
        fraction = z + 0.5 * k / fraction
    return ops.exp(-z * z) / (math.sqrt(math.pi) * fraction)


def bce(logits: Tensor, real: bool) -> Tensor:
    """Binary cross-entropy with one target for the whole batch: -log D or -log(1 - D).

    Args:
        logits: `[B, ...]`, the discriminator's logits of "real".
        real: Whether the target is "real" (1) or "fake" (0).
    """
    logits = ops.cast(logits, "float32")
    return ops.mean(ops.softplus(-logits if real else logits))


def cross_entropy(
    logits: Tensor, labels: Tensor, label_smoothing: float = 0.0
) -> Tensor:
    """Cross-entropy of int `labels` `[B]`, or of probabilities `[B, K]`, under `logits`
    `[B, K]`, mean over the batch.

    `label_smoothing` mixes the target with the uniform distribution.
    Source of the smoothing: Szegedy et al. 2016, arXiv:1512.00567, section 7.
    """
    logits = ops.cast(logits, "float32")
    log_probs = ops.log_softmax(logits, axis=-1)
    is_soft = len(labels.shape) == 2
    target = labels if is_soft else ops.one_hot(labels, logits.shape[-1])
    target = target * (1.0 - label_smoothing) + label_smoothing / logits.shape[-1]
    return -ops.mean(ops.sum(target * log_probs, axis=-1))


def distillation(logits: Tensor, probs: Tensor, temperature: float = 1.0) -> Tensor:
    """T^2 KL(p || q) of a teacher's p ~ `probs`^(1/T) and q = softmax(`logits` / T),
    both `[B, K]`, mean over the batch.

    T^2 keeps the size of the gradients whatever the temperature T is.
    Source: Hinton et al. 2015, arXiv:1503.02531, section 2.
    """
    log_q = ops.log_softmax(ops.cast(logits, "float32") / temperature, axis=-1)
    log_p = ops.log(ops.maximum(ops.cast(probs, "float32"), 1e-12)) / temperature
    log_p = ops.log_softmax(log_p, axis=-1)
    kl = ops.sum(ops.exp(log_p) * (log_p - log_q), axis=-1)
    return temperature**2 * ops.mean(kl)


def discriminator_loss(
    real_logits: Tensor, fake_logits: Tensor, loss: str = "non_saturating"
) -> Tensor:
    """What the discriminator descends, mean over the batch.

    non_saturating, minimax: -log D(x) - log(1 - D(G(z))). Goodfellow et al. 2014,
        arXiv:1406.2661, equation 1.
    least_squares: 1/2 (D(x) - 1)^2 + 1/2 D(G(z))^2. Mao et al. 2017, arXiv:1611.04076,
        equation 9.
    hinge: max(0, 1 - D(x)) + max(0, 1 + D(G(z))). Lim and Ye 2017, arXiv:1705.02894.
    """
    if loss in ("non_saturating", "minimax"):
        return bce(real_logits, True) + bce(fake_logits, False)
    real_logits = ops.cast(real_logits, "float32")
    fake_logits = ops.cast(fake_logits, "float32")
    if loss == "least_squares":
        real = ops.mean(ops.square(real_logits - 1.0))
        return 0.5 * (real + ops.mean(ops.square(fake_logits)))
    return ops.mean(ops.relu(1.0 - real_logits)) + ops.mean(ops.relu(1.0 + fake_logits))


def generator_loss(fake_logits: Tensor, loss: str = "non_saturating") -> Tensor:
    """What the generator descends, mean over the batch.

    non_saturating: -log D(G(z)). minimax: log(1 - D(G(z))). Goodfellow et al. 2014,
        arXiv:1406.2661, section 3.
    least_squares: 1/2 (D(G(z)) - 1)^2. Mao et al. 2017, arXiv:1611.04076, equation 9.
    hinge: -D(G(z)). Lim and Ye 2017, arXiv:1705.02894.
    """
    if loss == "non_saturating":
        return bce(fake_logits, True)
    if loss == "minimax":
        return -bce(fake_logits, False)
    fake_logits = ops.cast(fake_logits, "float32")
    if loss == "least_squares":
        return 0.5 * ops.mean(ops.square(fake_logits - 1.0))
    return -ops.mean(fake_logits)


def relativistic(logits: Tensor, other_logits: Tensor) -> Tensor:
    """-log sigmoid(f(a) - f(b)), mean over pairs: what a network descends that makes
    each image a seem more real than its b. It does not change if f gets a constant.

    Args:
        logits, other_logits: f(a) and f(b), `[B, 1]`.
    Source: Jolicoeur-Martineau 2018, arXiv:1807.00734, equation 5, of pairs, as Huang
        et al. 2024, arXiv:2501.05441, section 2.1, have it.
    """
    logits = ops.cast(logits, "float32") - ops.cast(other_logits, "float32")
    return bce(logits, True)
