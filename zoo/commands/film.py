"""Makes a film of a training, clips, a walk among latents, or noise becoming images."""

import math

from zoo import commands
from zoo.commands import outputs

# What a model is known for: the first kind of which it can do what the kind needs.
NEEDS = {"denoising": ("sample", "trajectory"), "walk": ("decode",)}
NEEDS |= {"clips": ("sample", "frames"), "slower": ("between",), "training": ()}
LACKS = {  # kind: (what a model without its needs does not do, what the others can)
    "denoising": ("takes no steps from noise to an image", "trajectory"),
    "clips": ("makes no clips", "frames"),
    "slower": ("draws no frames between others", "between"),
}
PAUSE = 1.5  # seconds that the last frame stays; a walk has no last one
STOP = 1.5  # seconds, about, from one stop of a walk to the next
NUM_IMAGES = 32
MOST_TIMES = 32
GREYS = 64  # of a GIF: an eye sees no difference, and the file is half as large
OF_SAMPLES = ("labels", *commands.SAMPLING)

VERB = commands.Verb(
    "film",
    __doc__.strip(),
    "python -m experiments.film --workdir=runs/vaegan-digits --kind=training",
    runs=("workdir",),
)
VERB.group("What")
VERB.define("string", "workdir", "runs/vaegan-digits", "Run folder, or a .keras file.")
VERB.define(
    "enum",
    "kind",
    None,
    "training (the pictures that a run kept of its epochs), walk (closed ways through "
    "the latent space), denoising (from noise to image, step by step), clips (new "
    "ones side by side, of --frames) or slower (test clips, and below each the same "
    "with frames between its own) [what the model is known for].",
    enum_values=["training", "walk", "denoising", "clips", "slower"],
)
VERB.define(
    "integer",
    "num_images",
    None,
    f"Images side by side [{NUM_IMAGES}; of a training, all that it kept].",
    least=1,
)
VERB.define("integer", "columns", 8, "Images in a row.", least=1)
VERB.define("integer", "seed", 0, "Image i begins with that of seed + i.", least=0)
VERB.group("How long")
VERB.define(
    "float",
    "seconds",
    6.0,
    "Length, without the pause at the end, up to 60 [of clips and what is made slower, "
    "that of their frames].",
)
VERB.define("integer", "fps", 15, "Frames a second, up to 50 [of clips 8].", least=1)
VERB.group("Denoised")
VERB.define_labels()
VERB.define_sampling()
VERB.group("Made slower")
VERB.define(
    "integer",
    "times",
    4,
    f"Steps that one step of a clip becomes, 2 to {MOST_TIMES}.",
    least=2,
)
VERB.group(
    "Walked among, encodings of test images where a model has no prior; or made slower"
)
VERB.define_dataset()
VERB.group("Where")
VERB.define(
    "string",
    "out",
    None,
    "A .gif, a .webp (smaller, but for noise) or, with the package av, a .mp4 (much "
    "smaller) [KIND.gif in the run folder].",
)
VERB.define(
    "integer",
    "colours",
    None,
    "Of a .gif, 2 to 256; fewer make it smaller [256; of grey images 64].",
    least=2,
)


def main():
    from zoo.drawing import films

    flags = VERB.flags
    _require_words(films)
    # TensorFlow takes seconds to import: --help and a wrong flag need not wait. A
    # film of a training needs none of it.
    model = None if flags.kind == "training" else _loaded()
    kind = flags.kind or next(k for k, needs in NEEDS.items() if model.can(needs))
    out = outputs.path(flags.out, flags.workdir, f"{kind}.gif")
    films.require_format(out)
    images, texts = _scenes(kind, model)
    frames = films.draw(images, texts, flags.columns)
    pause = 0 if kind == "walk" else PAUSE
    seconds, fps = _pace(kind, len(frames))
    frames = films.timed(frames, seconds, fps)
    height, width, channels = frames.shape[1:]
    colours = flags.colours or (films.MOST_COLOURS if channels == 3 else GREYS)
    films.save(out, frames, fps, pause, colours)
    size = f"{out.stat().st_size / 1e6:.1f} MB"
    print(f"{kind}: {len(frames)} frames of {width}x{height}, {size}")
    print(f"written: {out}")


def _pace(kind, count):
    """Seconds and frames a second of a film of `count` frames. Clips have a pace of
    their own, unless the flags say another."""
    from zoo.drawing import strips

    flags = VERB.flags
    if kind not in ("clips", "slower"):
        return flags.seconds, flags.fps
    is_plain = kind == "clips" and not flags["fps"].present
    fps = strips.FPS if is_plain else flags.fps
    return (flags.seconds if flags["seconds"].present else count / fps), fps


def _require_words(films):
    """Raises ValueError or ImportError unless the flags can be of a film."""
    flags = VERB.flags
    if not 0 < flags.seconds <= 60:
        raise ValueError(
            "A film lasts more than 0 and at most 60 seconds. "
            f"Received: seconds={flags.seconds:g}."
        )
    for name, most in (("fps", films.MOST_FPS), ("colours", films.MOST_COLOURS)):
        if (flags[name].value or 0) > most:
            raise ValueError(
                f"--{name} is at most {most}. Received: {name}={flags[name].value}."
            )
    if flags.out is not None:
        films.require_format(flags.out)
    if flags.times > MOST_TIMES:
        raise ValueError(
            f"--times is at most {MOST_TIMES}. Received: times={flags.times}."
        )
    VERB.labels()
    if flags.kind is not None:
        _require_kind(flags.kind)


def _require_kind(kind):
    """Raises ValueError if there are flags that a film of this kind does not read."""
    for name in OF_SAMPLES:
        if kind != "denoising" and VERB.flags[name].value is not None:
            raise ValueError(
                f"--{name} is of a denoising. "
                f"Received: {name}={VERB.flags[name].value} with kind={kind}."
            )


def _loaded():
    import zoo

    return zoo.load(VERB.flags.workdir)


def _scenes(kind, model):
    """Returns the images of a film, `[T, N, H, W, C]`, and T texts or None."""
    _require_kind(kind)
    if kind in LACKS and not model.can(NEEDS[kind]):
        raise ValueError(_unable(model.name, kind))
    scenes = {"training": _training, "walk": _walk, "denoising": _denoising}
    return (scenes | {"clips": _clips, "slower": _slower})[kind](model)


def _unable(name, kind):
    """Why the model `name` makes no film of this kind."""
    from zoo.core.capabilities import models_that_can

    lack, capability = LACKS[kind]
    return (
        f"{name!r} {lack}. Models that do: {', '.join(models_that_can(capability))}. "
        f"Received: kind={kind}."
    )


# --- the kinds of film ----------------------------------------------------------------


def _training(_):
    """The grids that a run kept of its epochs."""
    import numpy as np

    from zoo.runs import grids
    from zoo.runs.folder import owner

    flags, folder = VERB.flags, owner(VERB.flags.workdir)
    if folder is None:
        raise ValueError(
            "A film of a training is made of the pictures in a run's folder, and the "
            f"model lies in none. Received: {flags.workdir}."
        )
    record, files = folder.read_record(), grids.files(folder)
    if len(record.get("image_shape", ())) == 4:
        raise ValueError(
            "A film of a training is made of images, and this run made clips; "
            f"--kind=clips plays new ones. Received: {folder.path}."
        )
    if len(files) < 2:
        raise ValueError(_too_few(record["settings"].get("model"), folder, len(files)))
    shape = record.get("image_shape")
    if shape is None:
        raise ValueError(
            "The run was written by a version of the zoo that this one does not know. "
            f"Received: {folder.record}."
        )
    images = [grids.images(file, shape)[: flags.num_images] for file in files.values()]
    if len({each.shape for each in images}) > 1:
        raise ValueError(
            "The pictures of the run's epochs have different numbers of images. "
            f"Received: {folder.samples}."
        )
    return np.stack(images), [f"epoch {epoch} of {max(files)}" for epoch in files]


def _too_few(name, folder, count):
    """Why a run of the model `name`, with pictures of `count` epochs, makes no film."""
    from zoo.core import registry

    able = registry.names()
    if name in able and not count:
        pictured = {"sample", "reconstruct", "translate"}
        able = [n for n in able if pictured & registry.find(n).capabilities()]
    if name not in able:
        return (
            f"{name!r} draws no pictures while it trains. "
            f"Models that do: {', '.join(able)}. Received: {folder.path}."
        )
    return (
        "A film of a training takes the pictures of two epochs or more: train with "
        f"--image_every=1. Received: {count} in {folder.samples}."
    )


def _walk(model):
    """Ways through the latent space that end where they began."""
    import numpy as np

    from zoo.core import latents
    from zoo.inputs import memory, pixels

    flags = VERB.flags
    model.require("decode")
    steps, count = max(2, round(flags.seconds * flags.fps)), _count()
    size = 2 * steps * count * math.prod(model.image_shape)
    what = f"{steps * count:,} images take"
    memory.require(size, count, "ask for fewer, or for less time", what)
    stops = max(3, math.ceil(flags.seconds / STOP))
    z = _stops(model, stops * count).reshape(stops, count, -1)
    # Two latents of one number are on one side of the origin, or on opposite ones.
    path = "spherical" if z.shape[-1] > 1 else "linear"
    ways = latents.loop(z, steps, path)
    return np.stack([pixels.to_uint8(model.decode(way)) for way in ways], axis=1), None


def _stops(model, count):
    """Returns `count` latents `[count, D]`: of the prior or, of a model that has none,
    encodings of test images."""
    flags = VERB.flags
    if model.can("sample"):
        return model.prior(count, seed=flags.seed)
    from zoo.evaluation import explorer

    space = explorer.Explorer(flags.workdir, **VERB.dataset())
    images, _ = space.test
    numbers = (flags.seed + i for i in range(count))
    return model.encode(space.test_images([n % len(images) for n in numbers]))


def _denoising(model):
    """The steps from noise to images."""
    from zoo.inputs import memory, pixels

    flags, count = VERB.flags, _count()
    options = VERB.sampling()
    labels = VERB.labels()
    if labels is not None:
        options["labels"] = [labels[n % len(labels)] for n in range(count)]
    steps = flags.steps or model.config["steps"]
    memory.require_samples(count * (steps + 1), model.image_shape)
    paths = model.sample(count, seed=flags.seed, trajectory=True, **options)
    texts = [f"step {number} of {steps}" for number in range(paths.shape[1])]
    return pixels.to_uint8(paths.swapaxes(0, 1)), texts


def _clips(model):
    """New clips, side by side."""
    from zoo.commands import clips

    flags = VERB.flags
    return clips.new(model, _count(), flags.seed, flags.frames), None


def _slower(model):
    """Test clips, and below them the same made slower."""
    from zoo.commands import clips

    flags = VERB.flags
    count = flags.num_images or flags.columns
    how = (VERB.dataset(), count, flags.columns, flags.times)
    return clips.slower(model, flags.workdir, *how), None


def _count():
    return VERB.flags.num_images or NUM_IMAGES
