"""Draws new images from a trained model: a grid, a folder of pictures, or an array."""

import sys

import experiments

VERB = experiments.Verb(
    "sample",
    __doc__.strip(),
    "python -m experiments.sample --workdir=runs/vaegan-digits --num_images=64",
)
VERB.group("What")
VERB.define("string", "workdir", "runs/vaegan-digits", "Run folder, or a .keras file.")
VERB.define("integer", "num_images", 64, "How many images.")
VERB.define("integer", "seed", 0, "Image i is the image of seed + i.")
VERB.define(
    "list",
    "labels",
    None,
    "Classes of a conditional model by number, e.g. 0,1,2, repeated in turn "
    "[drawn by the seed].",
)
VERB.define(
    "string", "sampler", None, "Of a denoising model, e.g. ddim, heun [the model's]."
)
VERB.define("integer", "steps", None, "Of its sampler [the model's].")
VERB.define(
    "float",
    "guidance",
    None,
    "How much it heeds the labels: 0 not at all, 1 as in training [the model's].",
)
VERB.group("Where")
VERB.define(
    "string",
    "out",
    "samples.png",
    "A .png (one grid), a .npz (uint8 `images` [N, H, W, C]) or a folder (a .png an "
    "image, named by its seed).",
)


def main():
    # TensorFlow takes seconds to import: --help and a wrong flag need not wait.
    import zoo
    from zoo import plots

    flags = VERB.flags
    plots.require_format(flags.out)
    if flags.num_images < 1:
        raise ValueError(
            f"--num_images is at least 1. Received: num_images={flags.num_images}."
        )
    labels = _labels(flags.labels, flags.num_images)
    options = {name: flags[name].value for name in ("sampler", "steps", "guidance")}
    options = {name: value for name, value in options.items() if value is not None}
    images = zoo.load(flags.workdir).sample(
        flags.num_images, labels=labels, seed=flags.seed, **options
    )
    plots.save_images(flags.out, images, first=flags.seed)
    print(f"{len(images)} images: {flags.out}")


def _labels(texts, count):
    if texts is None:
        return None
    if not texts or not all(text.isdecimal() for text in texts):
        raise ValueError(
            "--labels takes whole numbers from 0, e.g. 0,1,2. "
            f"Received: labels={','.join(texts)}."
        )
    return [int(texts[number % len(texts)]) for number in range(count)]


if __name__ == "__main__":
    sys.exit(experiments.start(VERB, main))
