"""What is measured: a model's file, and the images that it is measured by."""

import dataclasses
import pathlib

from zoo import data
from zoo.core import saving
from zoo.runs.folder import RunFolder, owner


@dataclasses.dataclass(frozen=True)
class Subject:
    """A model and the data set that it is measured by; nothing is computed yet.

    Attributes:
        model: As `zoo.load` gives it.
        file: The `.keras` file.
        out: Where the evaluation goes by default.
        dataset: Its name.
        where: Keywords of `zoo.data.arrays`: classes, image_size, data_dir, and those
            of the data set's options that were chosen.
        info: The data set's `zoo.data.Info`, of the chosen classes.
        warnings: Sentences on the file.
    """

    model: object
    file: pathlib.Path
    out: pathlib.Path
    dataset: str
    where: dict
    info: object
    warnings: tuple

    @property
    def whole(self):
        """`where` without the classes: keywords by which all of the set is opened."""
        return {key: value for key, value in self.where.items() if key != "classes"}

    @property
    def options(self):
        """{name: value} of the data set's options that were chosen."""
        names = ("image_size", "data_dir")
        return {key: value for key, value in self.whole.items() if key not in names}


def find(
    path,
    dataset=None,
    classes=None,
    image_size=None,
    data_dir=None,
    makes=("image",),
    **options,
):
    """Returns the `Subject` of a run folder or a `.keras` file.

    Args:
        path: A run folder (its model.keras, or else its best), or a file.
        dataset: Instead of the one in run.json, then with `classes`, `image_size` and
            `options`.
        data_dir, options: As for `zoo.data.arrays`.
        makes: What the model may make, "image" or "clip".
    Raises: ValueError, FileNotFoundError: in one sentence, if there is no model or no
        data set, or they do not fit.
    """
    path = pathlib.Path(path)
    file, warnings = _file(path)
    model = saving.load(file)
    require_makes(model, makes)
    where = {"classes": classes, "image_size": image_size, "data_dir": data_dir}
    where |= {key: value for key, value in options.items() if value is not None}
    if dataset is None:
        stored = _stored(path)
        dataset = stored.pop("dataset")
        where = stored | {k: v for k, v in where.items() if v is not None}
    info = data.info(dataset, **where)
    if tuple(info.image_shape) != tuple(model.image_shape):
        raise ValueError(
            f"The model is for images of {_size(model.image_shape)} and "
            f"{dataset!r} has {_size(info.image_shape)}: choose another "
            f"--dataset or --image_size. Received: dataset={dataset!r}."
        )
    if path.is_dir():
        out = path / "evaluation.json"
    else:
        out = path.with_name(f"{path.stem}.evaluation.json")
    return Subject(model, file, out, dataset, where, info, warnings)


def require_makes(model, makes=("image",)):
    """Raises ValueError unless what `model` makes, "image" or "clip", is in `makes`."""
    if model.makes not in makes:
        raise ValueError(
            "This is for models of images; those of clips have train, sample, film, "
            "evaluate, publish, export and the playground. "
            f"Received: {model.name!r}, which makes clips."
        )


def _file(path):
    """The file to load, and a warning if it is not that of a finished run."""
    folder = RunFolder(path)
    if not path.is_dir():
        return path, ()
    if folder.model.is_file():
        return folder.model, ()
    if folder.best.is_file():
        return folder.best, (f"the run is not finished: {folder.best} was measured",)
    checkpoints = folder.saved()
    if checkpoints:
        raise FileNotFoundError(
            "The run is not finished; measure a checkpoint by "
            f"--workdir={checkpoints[-1]}. Received: {path}."
        )
    return path, ()  # zoo.load says what is missing


def _stored(path):
    """The data set of the run that `path` belongs to."""
    folder = owner(path)
    if folder is None:
        raise ValueError(
            "The model lies in no run folder, so say which images to measure it by, "
            f"e.g. --dataset=digits. Received: {path}."
        )
    settings = folder.read_record()["settings"]
    names = ("dataset", "classes", "image_size", "data_dir")
    if not set(names) <= set(settings):
        raise ValueError(
            "The run was written by a version of the zoo that this one does not know. "
            f"Received: {folder.record}."
        )
    return {name: settings[name] for name in names} | settings.get("options", {})


def _size(shape):
    return "x".join(map(str, shape))
