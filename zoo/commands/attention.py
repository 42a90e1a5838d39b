"""Shows where a transformer looks, and how much of that lies on what is pictured."""

from zoo import commands
from zoo.commands import outputs

VERB = commands.Verb(
    "attention",
    __doc__.strip(),
    "python -m experiments.attention --workdir=runs/vit-fashion_mnist",
    runs=("workdir",),
)
VERB.group("What")
VERB.define("string", "workdir", "runs/vit-fashion_mnist", "Run folder, or a file.")
VERB.define("list", "images", None, "Numbers of test images [the first of each class].")
VERB.define(
    "integer", "num_images", 1000, "Test images that the shares are of.", least=1
)
VERB.group("Seen in training")
VERB.define_dataset()
VERB.group("Where")
VERB.define("string", "out", None, "Picture [attention.png in the run folder].")

MOST = 10  # images of the picture, without --images


def main():
    flags = VERB.flags
    out = outputs.picture(flags.out, flags.workdir, "attention.png")
    numbers = VERB.numbers("images")
    # TensorFlow takes seconds to import: --help and a wrong flag need not wait.
    import numpy as np

    from zoo.drawing import figures, overlays
    from zoo.evaluation import attention
    from zoo.evaluation.explorer import Explorer

    space = Explorer(flags.workdir, judged=False, **VERB.dataset())
    space.model.require("attend")
    numbers = space.first_of_classes(MOST) if numbers is None else numbers
    images = space.test_images(numbers)
    maps = attention.received(space.model, images)
    print("\n".join(lines(space.model, space.test[0][: flags.num_images])))
    columns = [overlays.heat(images, each) for each in maps.values()]
    plain = np.broadcast_to(images, columns[0].shape)
    figures.save_table(
        out,
        np.stack([plain, *columns], axis=1),
        [_title(space, number) for number in numbers],
        ["image", *maps],
        f"{space.model.name}: where its patches look, the most of each map bright",
    )
    print(f"\nwritten: {out}")


def lines(model, images):
    """Returns lines with the share of the attention on pixels that are not black."""
    from zoo.evaluation import attention

    answer = []
    for title, maps in attention.received(model, images).items():
        share, area = attention.on_objects(maps, images)
        answer.append(f"{title:<16} {share:9.1%} {share / max(area, 1e-12):9.2f}")
    head = [
        "Share of the attention that lies on pixels that are not black, and how many",
        f"times their share of the area, {area:.1%}, that is: means of {len(images)} "
        "test images.",
        "",
        f"{'':<16} {'attention':>9} {'times':>9}",
    ]
    return head + answer


def _title(space, number):
    """The name of a test image's class, or its number where there are no classes."""
    labels, names = space.test[1], space.subject.info.class_names
    if labels is None or names is None:
        return f"image {number}"
    return str(names[labels[number]])
