"""Draws new images, or clips, from a trained model: a grid, a folder, or an array."""

from zoo import commands
from zoo.commands import outputs, prompts

VERB = commands.Verb(
    "sample",
    __doc__.strip(),
    "python -m experiments.sample --workdir=runs/vaegan-digits --num_images=64",
    runs=("workdir",),
)
VERB.group("What")
VERB.define("string", "workdir", "runs/vaegan-digits", "Run folder, or a .keras file.")
VERB.define("integer", "num_images", 64, "How many images, or clips.", least=1)
VERB.define("integer", "seed", 0, "Image i is the image of seed + i.")
VERB.define(
    "enum",
    "latent",
    "prior",
    "Where latents are drawn from: prior, or gmm, a mixture of normal distributions "
    "fitted to encodings of training images, by which an autoencoder samples too.",
    enum_values=["prior", "gmm"],
)
VERB.define("integer", "components", 10, "Normal distributions of gmm.")
VERB.define_labels()
VERB.define(
    "string",
    "prompts",
    None,
    "What images show, of a model of captions: a text, or @FILE with one a line, "
    "repeated in turn.",
)
VERB.define("string", "negative", None, "What images do not show, a text.")
VERB.define_sampling()
VERB.group("Encoded for gmm")
VERB.define_dataset()
VERB.group("Where")
VERB.define(
    "string",
    "out",
    None,
    "A .png (one grid; of clips a row each), a .npz (uint8 `images` [N, H, W, C] or "
    "`clips` [N, T, H, W, C]) or a folder (a .png an image or a .gif a clip, named by "
    "its seed) [samples.png in the run folder].",
)


def main():
    from zoo.drawing import plots, strips

    flags = VERB.flags
    out = outputs.path(flags.out, flags.workdir, "samples.png")
    plots.require_format(out)
    if flags.seed < 0:
        raise ValueError(f"--seed counts from 0. Received: seed={flags.seed}.")
    options = VERB.sampling()
    labels = VERB.labels()
    if labels is not None:
        options["labels"] = [labels[n % len(labels)] for n in range(flags.num_images)]
    if flags.prompts is not None:
        texts = prompts.read(flags.prompts)
        turn = [texts[n % len(texts)] for n in range(flags.num_images)]
        options["prompts"] = turn
    if flags.negative is not None:
        options["negative"] = flags.negative
    draw = _sample_mixture if flags.latent == "gmm" else _sample
    images = draw(options)
    save = plots.save_images if images.ndim == 4 else strips.save_clips
    save(out, images, first=flags.seed)
    print(f"{len(images)} {'images' if images.ndim == 4 else 'clips'}: {out}")


def _sample(options):
    """Returns images from the model's own prior."""
    import zoo  # and, by `zoo.load`, TensorFlow: a wrong flag need not wait for it

    flags, model = VERB.flags, zoo.load(VERB.flags.workdir)
    if not model.can("sample") and model.can("reconstruct"):
        raise ValueError(
            f"{model.name!r} has no prior to sample from; --latent=gmm fits one to its "
            "encodings. Received: latent=prior."
        )
    if model.can("sample", "frames"):
        options["frames"] = flags.frames  # of the data, or of clips that are longer
    return model.sample(flags.num_images, seed=flags.seed, **options)


def _sample_mixture(options):
    """Returns images of latents that are drawn from a mixture fitted to encodings."""
    from zoo.core.inference import seeds_from
    from zoo.evaluation import explorer as exploration

    flags = VERB.flags
    if options:
        raise ValueError(
            "A mixture of latents knows no labels, no prompts and no sampler. "
            f"Received: {', '.join(options)} with latent=gmm."
        )
    space = exploration.Explorer(flags.workdir, **VERB.dataset())
    mixture = space.mixture(flags.components)
    return space.decode(mixture.draw(seeds_from(flags.seed, flags.num_images)))
