"""Confines a process: the files that it writes are removed, and it reports to
nobody."""

import contextlib
import os
import tempfile

# Gradio and the packages it uses read these variables when they are imported.
SILENT = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
}
FOLDERS = ("GRADIO_TEMP_DIR", "HF_HOME", "MPLCONFIGDIR", "TMPDIR")


@contextlib.contextmanager
def confined():
    """Yields a temporary folder, which is removed at the end. This process writes its
    uploads, its pictures and its cache of fonts there."""
    with tempfile.TemporaryDirectory(prefix="zoo-playground-") as folder:
        settings = SILENT | dict.fromkeys(FOLDERS, folder)
        before = {name: os.environ.get(name) for name in settings}
        os.environ |= settings
        tempfile.tempdir = folder
        try:
            yield folder
        finally:
            tempfile.tempdir = None
            for name, value in before.items():
                os.environ.pop(name)
                os.environ |= {} if value is None else {name: value}
