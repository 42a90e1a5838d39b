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
