"""Adds what one class has beyond another, as a latent, to images of the latter."""

from zoo import commands
from zoo.commands import outputs

VERB = commands.Verb(
    "arithmetic",
    __doc__.strip(),
    "python -m experiments.arithmetic --workdir=runs/vaegan-digits --plus=9 --minus=7",
    runs=("workdir",),
)
VERB.group("What")
VERB.define("string", "workdir", "runs/vaegan-digits", "Run folder, or a .keras file.")
VERB.define("string", "plus", "1", "Class whose mean latent is added, number or name.")
VERB.define("string", "minus", "0", "Class whose mean latent is taken away.")
VERB.define(
    "list",
    "images",
    None,
    "Test images to change, by number [the first six of the class taken away].",
)
VERB.define(
    "list",
    "strengths",
    ["0", "0.5", "1", "1.5", "2"],
    "How many times the difference is added.",
)
VERB.define("bool", "judge", True, "Name images by the data set's classifier.")
VERB.group("Seen among")
VERB.define_dataset()
VERB.group("Where")
VERB.define("string", "out", None, "Picture [arithmetic.png in the run folder].")

PICTURED, COUNTED = 6, 500  # numbers of test images: in the picture, and for the shares


def main():
    flags = VERB.flags
    numbers, strengths = VERB.numbers("images"), VERB.numbers("strengths", float)
    out = outputs.picture(flags.out, flags.workdir, "arithmetic.png")
    # TensorFlow takes seconds to import: --help and a wrong flag need not wait.
    import numpy as np

    from zoo.core import latents
    from zoo.drawing import figures
    from zoo.evaluation import explorer as exploration
    from zoo.inputs import pixels

    space = exploration.Explorer(flags.workdir, judged=flags.judge, **VERB.dataset())
    space.model.require("encode", "decode")
    classes = flags.minus, flags.plus
    (minus, plus), (train, is_plus), (test, of_test) = space.pair(classes)
    z = space.model.encode(train)
    difference = latents.attribute(z[is_plus == 1], z[is_plus == 0])

    def changed(images):
        """Returns images `[N, S, H, W, C]`, to which the difference is added with S
        strengths."""
        z = space.model.encode(images)[:, None]
        return space.decode(z + np.array(strengths, "float32")[:, None] * difference)

    few = test[of_test == 0][:COUNTED]
    print(f"the difference {plus} - {minus} is {np.linalg.norm(difference):.2f} long")
    if space.judge is not None:
        print(f"\n{len(few)} test images of {minus}, named by the classifier:")
        print("\n".join(_lines(space, changed(few), strengths, minus, plus)))
    images = few[:PICTURED] if numbers is None else space.test_images(numbers)
    results = changed(images)
    captions = exploration.captions(*space.tell(results))
    captions = captions and [["", *row] for row in captions]
    figures.save_table(
        out,
        np.concatenate([pixels.to_float(images)[:, None], results], axis=1),
        [f"test image {n}" for n in numbers] if numbers else [minus] * len(images),
        ["test image", *(f"{strength:+g}" for strength in strengths)],
        f"{space.model.name}: images + strength x ({plus} - {minus})",
        captions,
    )
    print(f"\nwritten: {out}")


def _lines(space, images, strengths, minus, plus):
    """Returns lines with the shares of images that show either class, one per
    strength."""
    names, _ = space.tell(images)
    lines = [f"strength  {minus:>16.16}  {plus:>16.16}  {'another':>16}"]
    for strength, classes in zip(strengths, names.T):
        shares = (classes == minus).mean(), (classes == plus).mean()
        shares = (*shares, 1 - sum(shares))
        texts = "".join(f"  {share:16.1%}" for share in shares)
        lines.append(f"{strength:<+8g}{texts}")
    return lines
