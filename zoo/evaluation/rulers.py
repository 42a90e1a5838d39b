"""Real images as one extractor sees them: what images of a model are held against."""

import dataclasses

from zoo import metrics

SECOND = "pretext_"  # begins the names of the second extractor's scores
FEATURES = ("frechet", "kernel", "kernel_spread", "kernel_error")
FEATURES += ("precision", "recall", "density", "coverage")


class Ruler:
    """The features of real images, and the distances of others to them.

    Args:
        extractor: Maker of features.
        images: uint8 `[N, H, W, C]`, the real ones.
        seed: Of the subsets of the kernel distance.

    Attributes:
        features: Of `images`; `moments` and `manifold` are of these.
    """

    def __init__(self, extractor, images, seed):
        self.extractor, self.seed = extractor, seed
        self.features = extractor.features(images)
        self.moments = metrics.Moments().update(self.features)
        self.manifold = metrics.RealManifold(self.features)

    def compare(self, features):
        """Returns {score: number}, those of `FEATURES`, of other images' `features`."""
        kernel = metrics.kernel_distance(self.features, features, seed=self.seed)
        return {
            "frechet": metrics.frechet_distance(self.moments, features),
            "kernel": kernel.value,
            "kernel_spread": kernel.spread,
            "kernel_error": kernel.standard_error,
            **dataclasses.asdict(self.manifold.compare(features)),
        }
