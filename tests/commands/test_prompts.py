"""Tests of runs by captions, and of the commands that make pictures from prompts."""

import types

import numpy as np
import pytest
import tiny
import tiny_runs
import verbs
from PIL import Image

import zoo
from zoo import backend
from zoo.commands import attention, prompts
from zoo.commands import sample as verb
from zoo.evaluation import images as measured
from zoo.inputs import pixels
from zoo.pages import playground

SETTINGS = {"max_tokens": 8, "text_width": 4, "text_depth": 0, "steps": 2, "width": 4}
SETTINGS |= {"mult": "(1,)", "attention": "()"}
pytestmark = pytest.mark.skipif(
    not backend.HAS_TF_DATA, reason="a verb is the same on all backends"
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of one epoch on a folder of 40 captioned pictures."""
    folder = tmp_path_factory.mktemp("captioned")
    lines = ["file_name,text"]
    for row, image in enumerate(tiny.images(40, (8, 8, 3))):
        Image.fromarray(image).save(folder / f"{row:02d}.png")
        lines.append(f"{row:02d}.png,a word{row}")
    (folder / "metadata.csv").write_text("\n".join(lines) + "\n")
    base = ["--model=latent_diffusion", f"--dataset=captions:{folder}"]
    base += [f"--set={key}={value}" for key, value in SETTINGS.items()]
    base += ["--image_size=8", "--batch_size=8", "--epochs=1"]
    return tiny_runs.trained(folder / "run", base=base)


@pytest.mark.slow
def test_a_run_knows_all_words_and_shows_captions_it_did_not_learn(run):
    vocabulary = set(run.model.config["vocabulary"])
    shown = (run.folder.samples / "prompts.txt").read_text().splitlines()
    assert len(vocabulary) == 1 + run.dataset.info.num_examples["train"]
    assert shown and not {text.split()[1] for text in shown} & vocabulary
    assert (run.folder.samples / "0001.png").exists()
    loaded = zoo.load(run.folder.path)
    assert set(loaded.config["vocabulary"]) == vocabulary


@pytest.mark.slow
def test_prompts_are_typed_or_read_from_a_file(run, tmp_path, capsys):
    (tmp_path / "prompts.txt").write_text("a word1\n\na word2\n")
    arrays = []
    for text in ("a word1", f"@{tmp_path}/prompts.txt"):
        flags = [f"--prompts={text}", "--negative=a", "--num_images=2"]
        out = f"--out={tmp_path}/samples.npz"
        assert not verbs.called(verb, f"--workdir={run.folder.path}", out, *flags)
        arrays.append(np.load(tmp_path / "samples.npz")["images"])
    np.testing.assert_array_equal(arrays[0][0], arrays[1][0])
    assert (arrays[0][1] != arrays[1][1]).any()


@pytest.mark.slow
def test_the_words_of_a_prompt_are_shown_where_they_were_looked_at(run, tmp_path):
    flags = [f"--workdir={run.folder.path}", f"--out={tmp_path / 'words.png'}"]
    assert not verbs.called(attention, *flags, "--prompts=a word1")
    width, height = Image.open(tmp_path / "words.png").size
    assert width > height  # the picture and two words in a row
    player = playground.Player(run.folder.path)
    assert "look" in {room.name for room in player.rooms}
    assert player.example.startswith("a word")
    image, words = player.looked("a word1", 3)
    sample = zoo.load(run.folder.path).sample(prompts=["a word1"], seed=3)
    np.testing.assert_array_equal(image, pixels.to_uint8(sample)[0])
    assert [word for word, _ in words][0] == "a"
    assert all(heat.shape == (8, 8, 3) for _, heat in words)
    with pytest.raises(ValueError, match="no prompt yet"):
        player.looked(" ", 3)


@pytest.mark.slow
def test_a_model_without_words_has_none_to_show(tmp_path, capsys):
    tiny.model("vae").save(tmp_path / "vae.keras")
    assert verbs.called(attention, f"--workdir={tmp_path / 'vae.keras'}", "--prompts=a")
    assert "'vae' cannot look" in capsys.readouterr().err


def test_a_file_of_prompts_that_holds_none_is_refused(tmp_path):
    file = tmp_path / "prompts.txt"
    for data, sentence in ((b"\n \n", "without text"), (b"\xff", "text in UTF-8")):
        file.write_bytes(data)
        with pytest.raises(
            ValueError, match=f"{sentence}.* Received|Received.*{sentence}"
        ):
            prompts.read(f"@{file}")
    assert prompts.read("a red circle") == ["a red circle"]


def test_captions_that_are_followed_are_counted():
    scenes = zoo.data.open("scenes", objects=1).arrays("test")
    texts = [captions[0] for captions in scenes["caption"][:12]]
    bench = types.SimpleNamespace(
        prompts=texts,
        samples=scenes["image"][:12],
        subject=types.SimpleNamespace(dataset="scenes"),
        skip=lambda reason, *scores: skipped.extend(scores),
    )
    skipped = []
    scores = measured.followed(bench)
    assert scores["caption_all"] == 1 and skipped == ["caption_side"]
    bench.prompts = texts[1:] + texts[:1]
    assert measured.followed(bench)["caption_all"] < 0.5
    bench.subject.dataset = "emoji"
    with pytest.raises(measured.NotApplicableError, match="no captions of 'emoji'"):
        measured.followed(bench)
