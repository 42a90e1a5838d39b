"""Paths, directions and densities among latents: functions of arrays `[N, D]`.

They know no model: `model.encode` and `model.prior` make latents, `model.decode` shows
what became of them.
"""

import dataclasses
import warnings
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg

# --- paths ----------------------------------------------------------------------------


def linear(a: np.ndarray, b: np.ndarray, steps: int) -> np.ndarray:
    """Returns the straight line from each `a` to its `b`, `[N, D]` each, float32
    `[N, steps, D]` with both ends."""
    return _line(*_ends(a, b), _shares(steps)).astype("float32")


def spherical(a: np.ndarray, b: np.ndarray, steps: int) -> np.ndarray:
    """Returns the arc about the origin from each `a` to its `b`, `[N, D]` each, float32
    `[N, steps, D]` with both ends; its points keep the length of two equally long ends.

    Normal noise in many dimensions is of nearly one length, sqrt(D): a straight line
    between two draws leaves that sphere, an arc does not.

    Raises: ValueError: if two ends are opposite or one is 0, so that there is no one
        arc.
    Source: White 2016, arXiv:1609.04468; Shoemake 1985, doi:10.1145/325334.325242.
    """
    return _arc(*_ends(a, b), _shares(steps)).astype("float32")


PATHS = {"linear": linear, "spherical": spherical}


def loop(stops: ArrayLike, steps: int, path: str = "spherical") -> np.ndarray:
    """Returns ways through K latents each and back to where they began, float32
    `[N, steps, D]`: the first point is the first stop, and the last one lies a step
    before it. A way leaves a stop and comes to the next one slowly, so that no turn is
    seen.

    Args:
        stops: `[K, N, D]`.
        path: Between two stops, one of `PATHS`.
    """
    stops = np.asarray(stops, float)
    shares = np.arange(steps) / steps * len(stops)
    leg, t = shares.astype(int), shares % 1
    eased = (0.5 - 0.5 * np.cos(np.pi * t))[:, None]
    a, b = (each.swapaxes(0, 1) for each in (stops[leg], stops[(leg + 1) % len(stops)]))
    way = {"linear": _line, "spherical": _arc}[path]
    return way(a, b, eased).astype("float32")


_NO_ARC = "There is no one arc between these latents: take path=linear. Received: "


def _line(a, b, t):
    return (1 - t) * a + t * b


def _arc(a, b, t):
    """The arcs from `a` to `b` `[N, S or 1, D]` at shares `t` `[S, 1]`."""
    lengths = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    if not lengths.all():
        raise ValueError(_NO_ARC + "an end of length 0.")
    cosine = np.clip((a * b).sum(axis=-1) / lengths, -1, 1)
    if (cosine < -1 + 1e-9).any():
        raise ValueError(_NO_ARC + "two ends that are opposite.")
    angle = np.arccos(cosine)[..., None]
    # sin(t x) / sin(x) is t where x is 0: there the arc is the straight line.
    straight = angle < 1e-6
    sine = np.where(straight, 1, np.sin(angle))
    from_a = np.where(straight, 1 - t, np.sin((1 - t) * angle) / sine)
    from_b = np.where(straight, t, np.sin(t * angle) / sine)
    return from_a * a + from_b * b


def _ends(a, b):
    """Both ends as float64 `[N, 1, D]`."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    if a.ndim != 2 or a.shape != b.shape:
        raise ValueError(
            "A path leads from latents [N, D] to latents of the same shape. "
            f"Received: {list(a.shape)} and {list(b.shape)}."
        )
    return a[:, None], b[:, None]


def _shares(steps):
    """From 0 to 1, `[steps, 1]`."""
    if steps < 2:
        raise ValueError(f"A path has at least 2 steps. Received: {steps}.")
    return np.linspace(0, 1, steps)[:, None]


# --- directions -----------------------------------------------------------------------


def attribute(having: np.ndarray, lacking: np.ndarray) -> np.ndarray:
    """Returns what latents `[N, D]` that have an attribute, such as a class, have on
    average beyond those `[M, D]` that lack it, float32 `[D]`.

    Source: Larsen et al. 2016, arXiv:1512.09300 (visual attribute vectors).
    """
    difference = np.mean(having, axis=0, dtype=float) - np.mean(lacking, 0, float)
    return difference.astype("float32")


@dataclasses.dataclass(frozen=True)
class Axes:
    """Directions in which latents vary.

    Attributes:
        names: K texts.
        vectors: `[K, D]`, each of length 1.
        centre: `[D]`, the latents' mean.
        deviations: `[K]`, the latents' standard deviation along each.
        shares: `[K]`, of their whole variance.
    """

    names: tuple
    vectors: np.ndarray
    centre: np.ndarray
    deviations: np.ndarray
    shares: np.ndarray


def principal_directions(z: np.ndarray, count: int) -> Axes:
    """Returns the `count` orthogonal directions in which latents `[N, D]` vary most, as
    `Axes`; the largest component of each is positive."""
    _require_count(z, count)
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(z, rowvar=False)))
    values, vectors = np.maximum(values[::-1], 0), vectors.T[::-1]
    return _axes(z, _numbered(count), _signed(vectors[:count]), values[:count])


def image_directions(z: np.ndarray, images: np.ndarray, count: int) -> Axes:
    """Returns the `count` directions of latents `[N, D]` that change their `images`
    `[N, ...]` most, as `Axes` whose shares are of the images' variance: the principal
    components of the images, and for each the latents' regression on it.

    Latents of a prior vary alike in all directions, so that theirs tell nothing.

    Source: Harkonen et al. 2020 (GANSpace), arXiv:2004.02546, section 3.2, with the
    images in place of a layer's activations.
    """
    _require_count(z, count)
    x = np.asarray(images, float).reshape(len(images), -1)
    x = x - x.mean(axis=0)
    leading = [max(0, len(x) - count), len(x) - 1]  # the largest come last
    values, components = linalg.eigh(x @ x.T, subset_by_index=leading)
    centre = np.mean(z, axis=0, dtype=float)
    # What one standard deviation of a component, whose column has length 1, changes.
    slopes = components.T[::-1] @ (z - centre) / np.sqrt(len(z) - 1)
    deviations = np.linalg.norm(slopes, axis=1)
    vectors = _signed(slopes / np.maximum(deviations, 1e-12)[:, None])
    shares = np.maximum(values[::-1], 0) / (np.square(x).sum() or 1.0)
    return Axes(_numbered(count), vectors, centre, deviations, shares)


def coordinates(z: np.ndarray, count: int) -> Axes:
    """Returns the `count` coordinates in which latents `[N, D]` vary most, as `Axes`
    named by their number from 0."""
    _require_count(z, count)
    variances = np.var(z, axis=0, ddof=1, dtype=float)
    chosen = np.argsort(-variances, kind="stable")[:count]
    names = tuple(f"z[{number}]" for number in chosen)
    return _axes(z, names, np.eye(z.shape[1])[chosen], variances[chosen])


AXES = {"directions": principal_directions, "coordinates": coordinates}


def prior_coordinates(latent_dim: int, count: int) -> Axes:
    """Returns the first `count` coordinates of N(0, 1) in `latent_dim` dimensions, as
    `Axes`: none varies more than another."""
    _require_count(np.zeros((2, latent_dim)), count)
    names = tuple(f"z[{number}]" for number in range(count))
    ones = np.ones(count)
    vectors = np.eye(latent_dim)[:count]
    return Axes(names, vectors, np.zeros(latent_dim), ones, ones / latent_dim)


def _numbered(count):
    return tuple(f"direction {number}" for number in range(1, count + 1))


def _signed(vectors):
    """Returns `vectors` `[K, D]` with the largest component of each positive."""
    largest = np.abs(vectors).argmax(axis=1)[:, None]
    return vectors * np.sign(np.take_along_axis(vectors, largest, axis=1))


def _axes(z, names, vectors, variances):
    centre, whole = np.mean(z, axis=0, dtype=float), np.var(z, 0, float, ddof=1).sum()
    shares = variances / (whole or 1.0)
    return Axes(names, vectors, centre, np.sqrt(variances), shares)


def _require_count(z, count):
    if np.ndim(z) != 2 or len(z) < 2 or not 1 <= count <= np.shape(z)[1]:
        raise ValueError(
            "Directions are found among latents [N, D], two or more, at most D of "
            f"them. Received: latents {list(np.shape(z))}, {count} directions."
        )


def traverse(
    start: np.ndarray, axes: Axes, offsets: Sequence[float] | np.ndarray
) -> np.ndarray:
    """Returns `start` `[D]` moved along each of K axes, all else as it was, float32
    `[K, S, D]`.

    Args:
        offsets: `[S]`, where along the axis, in standard deviations from the latents'
            mean: 0 is as the average latent, wherever `start` lies.
    """
    along = ((start - axes.centre) * axes.vectors).sum(axis=1)[:, None]
    moves = np.asarray(offsets)[None] * axes.deviations[:, None] - along
    z = start + moves[..., None] * axes.vectors[:, None]
    return z.astype("float32")


# --- a density ------------------------------------------------------------------------


class Mixture:
    """A mixture of normal distributions fitted to latents: a prior after the event.

    The autoencoder says nothing of how its codes are spread, and a VAE's fill their
    prior with gaps: drawing from what the encodings are like lets both make images.

    Args:
        z: `[N, D]`, encodings; of a stochastic encoder, draws of q(z|x).
        components: Number of normal distributions, each with a full covariance.
        seed: Of the fit's start.
    Raises: ValueError: if there are no more latents than components.
    Source: Ghosh et al. 2019, arXiv:1903.12436 (ex-post density estimation).
    """

    ITERATIONS = 200  # of expectation maximisation, at most

    def __init__(self, z: np.ndarray, components: int = 10, seed: int = 0):
        # scikit-learn takes a second to import: only who wants a mixture pays for it.
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import GaussianMixture

        if not 1 <= components < len(z):
            raise ValueError(
                "A mixture has at least 1 component and fewer than there are latents. "
                f"Received: {components} components, {len(z)} latents."
            )
        z = np.asarray(z, float)
        self.fitted = GaussianMixture(
            components,
            # Beside it, a latent that an autoencoder leaves constant can be inverted.
            reg_covar=1e-6 * max(float(z.var(axis=0).mean()), 1e-12),
            max_iter=self.ITERATIONS,
            random_state=seed,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.fitted.fit(z)
        self._factors = np.linalg.cholesky(self.fitted.covariances_)

    def draw(self, seeds: Iterable[int]) -> np.ndarray:
        """Returns latents float32 `[N, D]`; row i depends on `seeds[i]` alone."""
        return np.stack([self._row(int(seed)) for seed in seeds]).astype("float32")

    def _row(self, seed):
        random = np.random.default_rng(seed)
        k = random.choice(len(self._factors), p=self.fitted.weights_)
        eps = random.standard_normal(self._factors.shape[-1])
        return self.fitted.means_[k] + self._factors[k] @ eps

    def log_density(self, z: ArrayLike) -> np.ndarray:
        """Returns log q(z) `[N]` of latents `[N, D]` in nats, float64."""
        return self.fitted.score_samples(np.asarray(z, float))
