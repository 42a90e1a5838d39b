"""Goes from one image to another through a model's latent space, and shows the way."""

from zoo import commands
from zoo.commands import outputs

VERB = commands.Verb(
    "interpolate",
    __doc__.strip(),
    "python -m experiments.interpolate --workdir=runs/vaegan-digits --images=0,1",
    runs=("workdir",),
)
VERB.group("What")
VERB.define("string", "workdir", "runs/vaegan-digits", "Run folder, or a .keras file.")
VERB.define(
    "list",
    "images",
    None,
    "Test images by their position, two a path [one each of 4 classes; "
    "--classes=6,5 leads from a 6 to a 5].",
)
VERB.define("list", "seeds", None, "Seeds of samples, two a path [0,1,2,3 of a GAN].")
VERB.define(
    "enum",
    "path",
    "both",
    "linear, spherical (an arc about the origin) or both.",
    enum_values=["linear", "spherical", "both"],
)
VERB.define(
    "enum",
    "space",
    "z",
    "z, the latents, or w, the styles that stylegan makes of them, where ways are "
    "straight.",
    enum_values=["z", "w"],
)
VERB.define("integer", "steps", 8, "Images a path, both ends included.", least=2)
VERB.define("bool", "judge", True, "Name images by the data set's classifier.")
VERB.group("Seen among")
VERB.define_dataset()
VERB.group("Where")
VERB.define("string", "out", None, "Picture [interpolation.png in the run folder].")


def main():
    flags = VERB.flags
    images, seeds = _numbers()
    out = outputs.picture(flags.out, flags.workdir, "interpolation.png")
    # TensorFlow takes seconds to import: --help and a wrong flag need not wait.
    import numpy as np

    from zoo.core import latents
    from zoo.drawing import figures
    from zoo.evaluation import explorer as exploration
    from zoo.inputs import pixels

    space = exploration.Explorer(flags.workdir, judged=flags.judge, **VERB.dataset())
    space.model.require("decode")
    names, ends, pictured = _ends(space, images, seeds)
    kinds = list(latents.PATHS) if flags.path == "both" else [flags.path]
    if flags.space == "w":
        kinds, ends = ["linear"], [_styles(space.model, each) for each in ends]
    rows = [f"{name}, {kind}" for name in names for kind in kinds]
    paths = [latents.PATHS[kind](*ends, flags.steps) for kind in kinds]
    z = np.stack(paths, axis=1).reshape(len(rows), flags.steps, -1)
    decoded = space.decode(z) if flags.space == "z" else _synthesized(space.model, z)
    classes, sure = space.tell(decoded)
    print("\n".join(_lines(rows, z, decoded, classes, sure, flags.space)))
    if images:
        print("\n".join(_positions(space, images)))
    columns = [f"{share:.2f}" for share in np.linspace(0, 1, flags.steps)]
    captions = exploration.captions(classes, sure)
    if pictured is not None:
        columns = ["test image", *columns, "test image"]
        start, stop = (pixels.to_float(x).repeat(len(kinds), axis=0) for x in pictured)
        decoded = np.concatenate([start[:, None], decoded, stop[:, None]], axis=1)
        captions = captions and [["", *row, ""] for row in captions]
    title = f"{space.model.name}: paths through the latent space"
    labels = [row.replace(", ", "\n") for row in rows]
    figures.save_table(out, decoded, labels, columns, title, captions)
    print(f"\nwritten: {out}")


def _numbers():
    """Returns the numbers of the test images and of the seeds, one of which is None."""
    images, seeds = VERB.numbers("images"), VERB.numbers("seeds")
    if images and seeds:
        raise ValueError(
            "Paths join test images or samples: give --images or --seeds. "
            f"Received: images={images}, seeds={seeds}."
        )
    if len(images or seeds or ()) % 2:
        raise ValueError(
            "A path has two ends: give an even number of images or seeds. "
            f"Received: {images or seeds}."
        )
    return images, seeds


def _ends(space, images, seeds):
    """Returns the names of P paths, the latents `[P, D]` of their two ends, and the two
    images from which these are encoded, or None."""
    encoding = seeds is None and space.model.can("encode")
    if images is not None or encoding:
        kind, numbers = "test image", images or space.first_of_classes(4)
        ends = space.test_images(numbers)
        z = space.model.encode(ends)
        ends = ends[::2], ends[1::2]
    else:
        kind, numbers = "seed", seeds or [0, 1, 2, 3]
        z = space.prior(numbers)
        ends = None
    pairs = zip(numbers[::2], numbers[1::2])
    return [f"{kind} {a} to {b}" for a, b in pairs], (z[::2], z[1::2]), ends


def _styles(model, z):
    """Returns the styles `[P, levels D]` of latents `[P, D]`."""
    model.require("mix")
    if VERB.flags.path == "spherical":
        raise ValueError(
            "Ways between styles are linear: they lie about no origin. "
            "Received: path=spherical with space=w."
        )
    return model.to_w(z).reshape(len(z), -1)


def _synthesized(model, w):
    """Returns the images `[R, C, H, W, channels]` of styles `[R, C, levels D]`."""
    images = model.synthesize(w.reshape(-1, model.levels, w.shape[-1] // model.levels))
    return images.reshape(*w.shape[:2], *images.shape[1:])


def _positions(space, numbers):
    """Returns a sentence on the classes of these test images, for users who meant
    classes."""
    labels, names = space.test[1], space.subject.info.class_names
    if labels is None:
        return []
    classes = (f"{number} is of class {names[labels[number]]}" for number in numbers)
    return ["", f"test images by position: {', '.join(classes)}"]


def _lines(rows, z, decoded, classes, sure, space):
    """Returns a line of numbers for each path, below a line that names the numbers."""
    import numpy as np

    from zoo import metrics

    width = max(map(len, rows))
    lines = [
        f"|{space}|: length of the shortest. step: largest change from one image to",
        "the next, root mean square of pixels in [0, 1]. sure: the classifier where it",
        "is least so.",
        "",
        f"{'':<{width}}    |{space}|   step   sure  classes on the way",
    ]
    for number, row in enumerate(rows):
        shortest = np.linalg.norm(z[number], axis=-1).min()
        steps = metrics.squared_errors(decoded[number, 1:], decoded[number, :-1]) ** 0.5
        line = f"{row:<{width}} {shortest:6.2f} {steps.max():6.3f}"
        if classes is not None:
            passed = dict.fromkeys(classes[number])
            line += f" {sure[number].min():6.2f}  {', '.join(passed)}"
        lines.append(line)
    return lines
