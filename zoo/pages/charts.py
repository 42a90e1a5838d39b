"""Charts of the pages, as matplotlib's figures: points of classes in their colours."""

import numpy as np

from zoo.evaluation import NotApplicableError

# matplotlib's tab10; with more classes, colours repeat.
COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd")
COLOURS += ("#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf")


def new_figure(width, height):
    """Returns a figure of `width` x `height` inches and its axes."""
    from matplotlib.figure import Figure  # takes a second to import

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def colour(label):
    """The colour of a class, by its number."""
    return COLOURS[label % len(COLOURS)]


def plane(z):
    """Returns latents `[N, D]` as points `[N, 2]`, and what the two axes are.

    Raises: NotApplicableError: of a single dimension there is no map.
    """
    if z.shape[1] == 1:
        raise NotApplicableError("the latent has one dimension")
    if z.shape[1] == 2:
        return z, ("z 1", "z 2")
    from sklearn.decomposition import PCA

    pca = PCA(2, random_state=0).fit(z)
    shares = (f"{share:.0%}" for share in pca.explained_variance_ratio_)
    axes = (f"component {n} ({share})" for n, share in enumerate(shares, 1))
    return pca.transform(z), tuple(axes)


def scatter(points, labels, titles):
    """Returns a figure of `points` `[N, 2]` in the colours of `labels` `[N]`, if not
    None, with the `titles` of both axes."""
    figure, axes = new_figure(3.4, 3.4)
    colours = COLOURS[0] if labels is None else [colour(label) for label in labels]
    size = np.clip(4000 / len(points), 4, 16)
    # Thousands of points as pixels: as shapes they would take a megabyte.
    look = {"linewidths": 0, "alpha": 0.7, "rasterized": True}
    axes.scatter(*points.T, c=colours, s=size, **look)
    axes.set_xlabel(titles[0])
    axes.set_ylabel(titles[1])
    axes.set_aspect("equal", "datalim")
    axes.grid(alpha=0.3)
    return figure
