"""The sheet of a preset: one picture of what its model makes."""

import numpy as np

from zoo import data
from zoo.drawing import plots
from zoo.inputs import pixels

COLUMNS = 8
SMALL = 32  # pixels; of larger images there are fewer
MOST_CLASSES = 10


def rows(model, settings, seed=0):
    """Returns the kinds of images of a sheet, `[N, H, W, C]` each, what belongs
    together at one place; None of a model that makes none.

    Args:
        model: A trained model.
        settings: {name: value} of its run, which say what its test images are.
    """
    count = 64 if max(model.image_shape[-3:-1]) <= SMALL else 24
    if model.can("sample"):
        return [_stills(_samples(model, count, settings, seed))]
    if model.can("between"):
        return _between(model, _test(settings)["clip"][:COLUMNS])
    if model.can("translate") or model.can("reconstruct"):
        columns = _test(settings)
        images = columns["image"][: count // 4]
        if not model.can("translate"):
            return [images, model.reconstruct(images)]
        sources = columns.get("source")
        if sources is None or model.can("sources"):
            sources = model.sources(images, seed=seed)
        sources = sources[: len(images)]
        return [sources, model.translate(sources, seed=seed), images]
    return None


def save(path, kinds):
    """Writes the kinds of images that `rows` returned as one PNG."""
    if len(kinds) == 1:
        plots.save_grid(path, kinds[0], columns=COLUMNS)
    else:
        plots.save_rows(path, kinds, columns=COLUMNS)


def _samples(model, count, settings, seed):
    if model.can("prompts"):
        texts = [str(text) for text in _test(settings)["caption"][:count]]
        return model.sample(prompts=texts, seed=seed)
    if not model.can("labels"):
        return model.sample(count, seed=seed)
    classes = min(model.config["num_classes"], MOST_CLASSES)
    labels = np.repeat(range(classes), COLUMNS)
    return model.sample(len(labels), labels=labels, seed=seed)


def _stills(samples):
    """Images as they are; of clips `[N, T, H, W, C]`, rows of frames."""
    if samples.ndim == 4:
        return samples
    frames = np.linspace(0, samples.shape[1] - 1, COLUMNS).round().astype(int)
    return samples[:COLUMNS, frames].reshape(-1, *samples.shape[2:])


def _between(model, clips):
    """Frames of clips, and below each row its first and its last one with what the
    model draws between them."""
    clips = np.asarray(clips)[:, :COLUMNS]
    middle = model.between(clips[:, 0], clips[:, -1], frames=clips.shape[1] - 2)
    ends = (pixels.to_float(clips[:, place]) for place in ([0], [-1]))
    first, last = (np.asarray(end) for end in ends)
    drawn = np.concatenate([first, middle, last], axis=1)
    return [_stills(pixels.to_float(clips)), _stills(drawn)]


def _test(settings):
    """{field: rows} of the test images of a run's data set."""
    names = ("classes", "image_size", "data_dir")
    where = {name: settings[name] for name in names} | settings.get("options", {})
    return data.open(settings["dataset"], **where).arrays("test")
