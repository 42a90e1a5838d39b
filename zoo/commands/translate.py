"""Turns pictures into others by a trained model: edges to a garment, grey to colour."""

import pathlib

from zoo import commands

ENDINGS = ("png", "jpg", "jpeg", "webp", "bmp", "gif", "ppm", "pgm", "tif", "tiff")
BATCH = 64  # pictures that are read, translated and written at a time

VERB = commands.Verb(
    "translate",
    __doc__.strip(),
    "python -m experiments.translate --workdir=runs/pix2pix-photos --images=grey "
    "--out=coloured",
    runs=("workdir",),
)
VERB.group("What")
VERB.define(
    "string", "workdir", "runs/pix2pix-fashion_mnist", "Run folder, or a .keras file."
)
VERB.define(
    "string",
    "images",
    None,
    "A picture, or a folder of them: sources, as the model learned from. They are read "
    "by the rules of the run, at its size; an srgan enlarges pictures of any size.",
)
VERB.define(
    "bool",
    "make_sources",
    False,
    "Take the pictures for images, of which the model makes its sources: their edges, "
    "their grey values, a hole.",
)
VERB.define(
    "bool",
    "back",
    False,
    "Go the other way, from images to sources, of a model that learned both.",
)
VERB.define("integer", "seed", 0, "Picture i is translated by seed + i.", least=0)
VERB.define("integer", "samples", 1, "Answers to each picture.", least=1)
VERB.define("string", "sampler", None, "Of a palette, e.g. ddim, heun [the model's].")
VERB.define("integer", "steps", None, "Of its sampler [the model's].", least=1)
VERB.group("Where")
VERB.define(
    "string",
    "out",
    None,
    "A new folder, or one without files: a .png a picture, of the same name. "
    "Transparent parts of a picture stay so.",
)


def main():
    flags = VERB.flags
    if flags.images is None or flags.out is None:
        raise ValueError(
            "--images says which pictures are translated, --out to which folder they "
            f"go. Received: images={flags.images}, out={flags.out}."
        )
    root, files = _files(pathlib.Path(flags.images))
    out = pathlib.Path(flags.out)
    _require_room(out)
    names = _names(root, files, flags.samples)
    # TensorFlow takes seconds to import: --help and a wrong flag need not wait.
    import zoo

    model = zoo.load(flags.workdir)
    model.require("translate")
    if flags.make_sources and not model.can("sources"):
        raise ValueError(
            f"{model.name!r} makes no sources of images: give it the sources. "
            "Received: make_sources=True."
        )
    _require_way(model)
    model.require_options("to_target", _options())
    from zoo.files import folders

    with folders.appearing(out, ".translate-") as temporary:
        for start in range(0, len(files), BATCH):
            part = slice(start, start + BATCH)
            pictures = _translated(model, files[part], flags.seed + start)
            for targets, answers in zip(names[part], pictures, strict=True):
                for target, answer in zip(targets, answers, strict=True):
                    _write(temporary / target, answer)
    print(f"{len(files) * flags.samples} images: {out}")


def _options():
    """Returns the options of `model.translate` that the flags choose."""
    chosen = {name: VERB.flags[name].value for name in ("sampler", "steps")}
    return {name: value for name, value in chosen.items() if value is not None}


def _require_way(model):
    """Raises ValueError unless the model can go where the flags say."""
    flags = VERB.flags
    if flags.back and not model.can("back"):
        raise ValueError(
            f"{model.name!r} has learned one way only: from sources to images. "
            "Received: back=True."
        )
    if flags.back and flags.make_sources:
        raise ValueError(
            "--make_sources makes sources, and --back begins at images: one of both. "
            "Received: back=True, make_sources=True."
        )


def _files(path):
    """Returns the folder and the picture files that `path` means, sorted.

    Raises: ValueError, FileNotFoundError: if it has none.
    """
    if not path.exists():
        raise FileNotFoundError(f"There is no such file or folder. Received: {path}.")
    if path.is_file():
        return path.parent, [path]
    pictures = sorted(
        file
        for file in path.rglob("*")
        if file.suffix[1:].lower() in ENDINGS
        and file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
    )
    if not pictures:
        raise ValueError(
            f"The folder holds no picture (.{', .'.join(ENDINGS)}). Received: {path}."
        )
    return path, pictures


def _require_room(out):
    """Raises ValueError unless answers can go to the folder `out`."""
    if out.is_file():
        raise ValueError(f"Pictures go to a folder. Received: the file {out}.")
    if out.is_dir() and any(out.iterdir()):
        raise ValueError(
            f"The folder holds files already; choose another --out. Received: {out}."
        )


def _names(root, files, samples):
    """Returns for each file the names of its answers, below the folder of all; two that
    differ in their ending alone keep it."""
    plain = [file.relative_to(root).with_suffix("") for file in files]
    names = [
        stem if plain.count(stem) == 1 else file.relative_to(root)
        for stem, file in zip(plain, files, strict=True)
    ]
    ends = [""] if samples == 1 else [f"_{number}" for number in range(samples)]
    return [[f"{name}{end}.png" for end in ends] for name in names]


def _translated(model, files, seed):
    """Returns the answers to files, for each a list of uint8 `[H, W, C]`, with an alpha
    channel where the file has transparent parts."""
    import dataclasses

    import numpy as np

    from zoo.inputs import pictures, pixels
    from zoo.runs import folder

    flags, kept = VERB.flags, folder.kept_rules(VERB.flags.workdir)
    rules = pictures.for_shape(model.image_shape, kept)
    if model.can("upscale") and not flags.make_sources:
        return [_enlarged(model, file, rules) for file in files]
    is_image = flags.make_sources or flags.back
    shape = model.shape_of_field("image" if is_image else "source")
    by = dataclasses.replace(rules, image_size=shape[:2], channels=shape[-1])
    sources = np.stack([_read(pictures.read, file, by) for file in files])
    if flags.make_sources:
        sources = model.sources(sources, seed=seed)
    how = {"back": flags.back, "seed": seed, "samples": flags.samples}
    answers = model.translate(sources, **how, **_options())
    answers = pixels.to_uint8(answers.reshape(len(files), -1, *answers.shape[-3:]))
    layers = [_read(pictures.opacity, file, rules) for file in files]
    return [
        [image if layer is None else np.dstack([image, layer]) for image in images]
        for images, layer in zip(answers, layers, strict=True)
    ]


def _enlarged(model, file, rules):
    """Returns the answers to a picture of any size, a list of equal uint8 `[H, W, C]`,
    with an alpha channel where the file has transparent parts."""
    import dataclasses

    import numpy as np
    from PIL import Image

    from zoo.inputs import pictures, pixels

    rules = dataclasses.replace(rules, image_size=None)
    source = _read(pictures.read, file, rules)
    answer = pixels.to_uint8(model.upscale(source[None]))[0]
    layer = _read(pictures.opacity, file, rules)
    if layer is not None:
        size = answer.shape[1::-1]
        layer = Image.fromarray(layer[..., 0]).resize(size, Image.Resampling.BICUBIC)
        answer = np.dstack([answer, np.asarray(layer)])
    return [answer] * VERB.flags.samples


def _read(function, file, rules):
    """Returns `function(file, rules)`; ValueError if the file cannot be read."""
    from PIL import Image

    try:
        return function(file, rules)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(
            f"A picture cannot be read: {str(reason).rstrip('.')}. Received: {file}."
        ) from None


def _write(path, picture):
    """Writes a picture into a folder that appears when it is complete."""
    from zoo.inputs import pixels

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pixels.png(picture))
