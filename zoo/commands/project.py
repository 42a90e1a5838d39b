"""Searches the styles of test images, and shows what they make beside the images."""

from zoo import commands
from zoo.commands import outputs

VERB = commands.Verb(
    "project",
    __doc__.strip(),
    "python -m experiments.project --workdir=runs/stylegan-fashion_mnist",
    runs=("workdir",),
)
VERB.group("What")
VERB.define(
    "string",
    "workdir",
    "runs/stylegan-fashion_mnist",
    "Run folder, or a .keras file.",
)
VERB.define("list", "images", None, "Test images by their position [0,1,2,3].")
VERB.define("integer", "steps", 300, "Steps along the gradient.", least=1)
VERB.group("Seen among")
VERB.define_dataset()
VERB.group("Where")
VERB.define("string", "out", None, "Picture [projection.png in the run folder].")


def main():
    flags = VERB.flags
    numbers = VERB.numbers("images") or [0, 1, 2, 3]
    out = outputs.picture(flags.out, flags.workdir, "projection.png")
    # TensorFlow takes seconds to import: --help and a wrong flag need not wait.
    import numpy as np

    from zoo.drawing import figures
    from zoo.evaluation.explorer import Explorer
    from zoo.inputs import pixels

    space = Explorer(flags.workdir, judged=False, **VERB.dataset())
    space.model.require("project")
    images = space.test_images(numbers)
    answers = space.model.synthesize(space.model.project(images, flags.steps, tell))
    table = np.stack([pixels.to_float(images), answers], axis=1)
    title = f"{space.model.name}: test images, and what the styles found make"
    labels = [f"image {number}" for number in numbers]
    figures.save_table(out, table, labels, ["image", "projection"], title)
    print(f"written: {out}")


def tell(step, error):
    """Prints ten lines on the way."""
    steps = VERB.flags.steps
    if step % max(1, steps // 10) == 0 or step == steps:
        print(f"step {step:5}  squared error a pixel {error:.4f}", flush=True)
