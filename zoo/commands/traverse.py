"""Moves a latent along the directions in which encodings vary, one after the other."""

from zoo import commands
from zoo.commands import outputs

VERB = commands.Verb(
    "traverse",
    __doc__.strip(),
    "python -m experiments.traverse --workdir=runs/vaegan-digits --image=0",
    runs=("workdir",),
)
VERB.group("What")
VERB.define("string", "workdir", "runs/vaegan-digits", "Run folder, or a .keras file.")
VERB.define(
    "enum",
    "along",
    "directions",
    "directions (principal components of encodings) or coordinates (those that vary "
    "most).",
    enum_values=["directions", "coordinates"],
)
VERB.define(
    "integer",
    "count",
    None,
    "How many of them [8, or all if there are fewer].",
    least=1,
)
VERB.define(
    "integer",
    "image",
    None,
    "Start from this test image [0 of a model that encodes].",
    least=0,
)
VERB.define(
    "integer",
    "seed",
    None,
    "Or from this sample [0 of a model that cannot encode].",
    least=0,
)
VERB.define(
    "integer", "steps", 7, "Images a direction; an odd number shows 0.", least=2
)
VERB.define("float", "span", 3.0, "Standard deviations to either side of the mean.")
VERB.group("Seen among")
VERB.define_dataset()
VERB.group("Where")
VERB.define("string", "out", None, "Picture [traversal.png in the run folder].")


def main():
    flags = VERB.flags
    if not 0 < flags.span < float("inf"):
        raise ValueError(f"--span is more than 0. Received: span={flags.span}.")
    if flags.image is not None and flags.seed is not None:
        raise ValueError(
            "A traversal starts from a test image or a sample: give --image or --seed. "
            f"Received: image={flags.image}, seed={flags.seed}."
        )
    out = outputs.picture(flags.out, flags.workdir, "traversal.png")
    # TensorFlow takes seconds to import: --help and a wrong flag need not wait.
    import numpy as np

    from zoo.core import latents
    from zoo.drawing import figures
    from zoo.evaluation import explorer as exploration

    space = exploration.Explorer(flags.workdir, **VERB.dataset())
    space.model.require("decode")
    latent_dim = space.model.config["latent_dim"]
    count = min(8, latent_dim) if flags.count is None else flags.count
    if flags.along == "coordinates" and not space.model.can("encode"):
        axes = latents.prior_coordinates(latent_dim, count)
    else:
        axes = latents.AXES[flags.along](space.model.encode(space.train[0]), count)
    origin, start = _start(space)
    offsets = np.linspace(-flags.span, flags.span, flags.steps)
    z = latents.traverse(start, axes, offsets)
    moved = space.decode(z)
    print("\n".join(_lines(axes, moved)))
    # At 0 sd, a row shows the start with one number of the latent at its mean.
    first = space.decode(start[None]).repeat(count, axis=0)
    moved = np.concatenate([first[:, None], moved], axis=1)
    columns = ["start", *(f"{offset:.3g} sd" for offset in offsets)]
    figures.save_table(
        out,
        moved,
        [f"{name}\n{share:.1%}" for name, share in zip(axes.names, axes.shares)],
        columns,
        f"{space.model.name}: {flags.along}, shares of variance, from {origin}",
    )
    print(f"\nwritten: {out}")


def _start(space):
    """What the traversal starts from, a text, and its latent `[D]`. The mean of all
    encodings would be no start: it is unlike each of them, and may decode to nothing.
    """
    image, seed = VERB.flags.image, VERB.flags.seed
    if image is None and seed is None and space.model.can("encode"):
        image = 0
    if image is not None:
        return f"test image {image}", space.model.encode(space.test_images([image]))[0]
    return f"seed {seed or 0}", space.prior([seed or 0])[0]


def _lines(axes, moved):
    """Returns a line of numbers for each direction, below a line that names the
    numbers."""
    from zoo import metrics

    change = metrics.squared_errors(moved[:, 0], moved[:, -1]) ** 0.5
    lines = [
        "sd: standard deviation of the encodings. share: of their variance. change: of",
        "the image from end to end, root mean square of pixels in [0, 1].",
        "",
        f"{'':<12}      sd   share  change",
    ]
    for name, *numbers in zip(axes.names, axes.deviations, axes.shares, change):
        lines.append("{:<12} {:7.3f} {:7.1%} {:7.3f}".format(name, *numbers))
    return lines
