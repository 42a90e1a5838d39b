"""Folders that appear complete or not at all."""

import contextlib
import os
import pathlib
import shutil
import tempfile


@contextlib.contextmanager
def appearing(folder, prefix):
    """Yields a temporary folder beside `folder`, which then becomes it: synced and
    renamed on success. On an error nothing remains of it, nor of the folders above that
    were made for it.

    Args:
        folder: A free name, or an empty folder.
        prefix: Begins the temporary name, which no reader of folders may take up.
    """
    folder = pathlib.Path(folder).absolute()
    made = [path for path in folder.parents if not path.exists()]
    temporary = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = pathlib.Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))
        yield temporary
        for path in temporary.rglob("*"):
            if path.is_file():
                with open(path, "rb") as file:
                    os.fsync(file.fileno())
        temporary.chmod(0o755)  # mkdtemp's is for the owner alone; readers are others
        temporary.replace(folder)
    except BaseException:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
        for path in made:
            with contextlib.suppress(OSError):
                path.rmdir()
        raise
