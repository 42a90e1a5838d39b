"""Decides where a verb writes if `--out` does not say it."""

import pathlib


def path(out, workdir, name):
    """Returns `out` if it is not None; else the file `name` in the run folder
    `workdir`, or next to the `.keras` file `workdir`, as "FILE.name"."""
    if out is not None:
        return pathlib.Path(out)
    workdir = pathlib.Path(workdir)
    if workdir.suffix == ".keras":
        return workdir.with_name(f"{workdir.stem}.{name}")
    return workdir / name


def picture(out, workdir, name):
    """Returns `path`, where a picture can be written.

    Raises: ValueError: unless it is a .png file, or may become one.
    """
    from zoo.drawing import plots

    file = path(out, workdir, name)
    plots.require_format(file, (".png",))
    return file
