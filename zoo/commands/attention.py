"""Shows where a transformer looks, or which places of a picture looked at a word."""

from zoo import commands
from zoo.commands import outputs, prompts

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
VERB.define(
    "string",
    "prompts",
    None,
    "Of a model that reads captions: a text, or @FILE with one a line.",
)
VERB.define("integer", "seed", 0, "Prompt i is drawn by seed + i.", least=0)
VERB.group("Seen in training")
VERB.define_dataset()
VERB.group("Where")
VERB.define("string", "out", None, "Picture [attention.png in the run folder].")

MOST = 10  # images of the picture, without --images


def main():
    flags = VERB.flags
    out = outputs.picture(flags.out, flags.workdir, "attention.png")
    numbers = VERB.numbers("images")
    if flags.prompts is not None:
        _words(prompts.read(flags.prompts), out)
        return
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


def _words(texts, out):
    """Draws the sample of each prompt, and below each word where it was looked at."""
    import numpy as np

    import zoo
    from zoo.drawing import figures
    from zoo.evaluation import attention

    flags = VERB.flags
    model = zoo.load(flags.workdir)
    model.require("look")
    images, panels = attention.looked_at(model, texts, flags.seed)
    most = max(len(each) for each in panels)
    height, width = images.shape[1:3]
    table = np.full((len(texts), most + 1, height, width, 3), 255, "uint8")
    captions = [["the picture", *[""] * most] for _ in texts]
    for row, (image, each) in enumerate(zip(images, panels)):
        table[row, 0] = image
        for column, (word, panel) in enumerate(each, 1):
            table[row, column], captions[row][column] = panel, word
    title = f"{model.name}: where the picture looked at a word, the most of each bright"
    seeds = [f"seed {flags.seed + row}" for row in range(len(texts))]
    figures.save_table(out, table, seeds, [""] * (most + 1), title, captions)
    print(f"written: {out}")


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
