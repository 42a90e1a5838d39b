"""Tests where a model looks: maps, shares on what is pictured, colours, the verb."""

import numpy as np
import pytest
from PIL import Image
from untrained import folder_of
from verbs import called

from zoo.commands import attention as verb
from zoo.drawing import overlays
from zoo.evaluation import attention


class Looker:
    """Attends in two blocks: in one evenly, in the other to the patch of its number."""

    def attention(self, images, rollout=False):
        tokens = 6
        if rollout:
            return np.full((len(images), tokens, tokens), 1 / tokens, "float32")
        maps = np.full((len(images), 2, 3, tokens, tokens), 1 / tokens, "float32")
        for number in range(len(images)):
            maps[number, 1] = np.eye(tokens)[number % tokens]
        return maps


def test_maps_tell_what_each_patch_gets_from_all():
    images = np.zeros((203, 8, 12, 1), "uint8")  # patches of 4x4, in several chunks
    maps = attention.received(Looker(), images)
    assert list(maps) == ["block 1", "block 2", "all blocks"]
    for each in maps.values():
        assert each.shape == (203, 2, 3)
        np.testing.assert_allclose(each.sum(axis=(1, 2)), 1, rtol=1e-6)
    np.testing.assert_allclose(maps["block 1"], 1 / 6, rtol=1e-6)
    for number in (0, 4, 202):
        expected = np.zeros(6)
        expected[number % attention.CHUNK % 6] = 1
        np.testing.assert_allclose(maps["block 2"][number].ravel(), expected)


def test_even_attention_lies_on_objects_by_their_area():
    images = np.zeros((2, 8, 8, 3), "uint8")
    images[:, :4, :6, 1] = 200  # three eighths of the area
    even = np.full((2, 2, 2), 0.25)
    assert attention.on_objects(even, images) == (0.375, 0.375)
    corner = np.zeros((2, 2, 2))
    corner[:, 0, 1] = 1.0  # of this patch a half is lit
    assert attention.on_objects(corner, images) == (0.5, 0.375)


def test_the_most_of_a_map_is_bright():
    images = np.zeros((1, 4, 6, 1), "uint8")
    maps = np.array([[[0.1, 0.2, 0.3], [0.1, 0.1, 0.2]]])
    heat = overlays.heat(images, maps)
    assert heat.shape == (1, 4, 6, 3) and heat.dtype == np.uint8
    light = heat[0].sum(axis=-1, dtype=int)
    assert (light[:2, 4:] == light.max()).all() and light.max() > 300
    assert (light[2:, :4] == light.min()).all() and light.min() < 10
    even = overlays.heat(np.full((1, 4, 6, 3), 200, "uint8"), np.ones((1, 2, 3)))
    assert (even == even[:, :1, :1]).all() and even.min() > 70  # the image alone


@pytest.mark.slow
def test_the_verb_writes_a_picture_and_prints_shares(tmp_path, capsys):
    run = folder_of(tmp_path / "run", "vit", num_classes=10, patch=7)
    assert called(verb, f"--workdir={run}", "--images=0,3", "--num_images=20") == 0
    out = capsys.readouterr().out
    assert "means of 20 test images" in out
    for title in ("block 1", "block 2", "all blocks"):
        assert f"\n{title}" in out
    with Image.open(run / "attention.png") as picture:
        assert picture.width > 300
    other = folder_of(tmp_path / "other", "classifier", num_classes=10)
    assert called(verb, f"--workdir={other}") == 1
    assert (
        "'classifier' cannot attend. Models that can: vit." in capsys.readouterr().err
    )
    assert not (other / "attention.png").exists()
