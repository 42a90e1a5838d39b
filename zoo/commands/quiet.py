"""Imports frameworks without TensorFlow's notes, whatever code needs them first."""

import contextlib
import importlib.abc
import logging
import os
import sys
import tempfile

FRAMEWORKS = ("keras", "tensorflow")


class QuietFinder(importlib.abc.MetaPathFinder):
    """Finds a framework as Python does, and makes its import silent."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname not in FRAMEWORKS:
            return None
        others = (each for each in sys.meta_path if each is not self)
        specs = (each.find_spec(fullname, path, target) for each in others)
        spec = next((each for each in specs if each is not None), None)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module):
                with without_notes():
                    execute(module)

            spec.loader.exec_module = exec_module
        return spec


@contextlib.contextmanager
def imports():
    """Within, frameworks are imported without TensorFlow's notes on the processor, and
    without those on graphs that are traced again: a verb that looks at many models does
    that."""
    import zoo  # noqa: F401 (first: it chooses TensorFlow's kernels, and finds Keras)

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    finder = QuietFinder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


@contextlib.contextmanager
def without_notes():
    """Redirects file descriptor 2, because TensorFlow 2.21 writes its notes before it
    reads the level that should silence them."""
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as unread:
        os.dup2(unread.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
