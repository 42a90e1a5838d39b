"""Run folders of untrained tiny models, to test what reads finished runs."""

import json

import pytest
import tiny

from zoo import evaluation

FEW = evaluation.Options(num_images=60, nll_images=4, k=2)


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory):
    """Gives the tests a cache of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


def folder_of(path, name, dataset="digits", shape=(28, 28, 1), classes=None, **config):
    """Returns a run folder with an untrained tiny model, made without any training."""
    path.mkdir(parents=True, exist_ok=True)
    tiny.model(name, shape, **config).save(path / "model.keras")
    settings = {"epochs": 1, "dataset": dataset, "classes": classes, "image_size": None}
    settings |= {"data_dir": None}
    record = {"settings": settings, "command": "by hand", "git_commit": None}
    (path / "run.json").write_text(json.dumps(record))
    return path
