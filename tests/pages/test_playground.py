"""Tests the playground without its page: latents, pictures from users, files."""

import ast
import asyncio
import json
import os
import pathlib
import struct
import sys
import tempfile
import zlib

import numpy as np
import pytest
import shelf
import tiny
from capable import only  # noqa: F401
from PIL import Image
from refusals import refusal
from untrained import folder_of
from verbs import called

from zoo.commands import confined
from zoo.commands import playground as verb
from zoo.inputs.pictures import Rules
from zoo.pages import playground
from zoo.pages.playground import pictures, plan, uploads
from zoo.pages.playground import shelf as at_hand
from zoo.serving.server import guard

SHAPE = (28, 28, 1)
RULES = Rules(SHAPE[:2], 1)
CONFIGS = {
    "classifier": {"num_classes": 10},
    "vit": {"num_classes": 10, "patch": 7},
    "pix2pix": {"task": "edges"},
    "cyclegan": {"task": "negative"},
}


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """Returns opened(name), which gives the `Player` of an untrained model's run on
    digits."""
    folder, players = tmp_path_factory.mktemp("runs"), {}

    def get(name):
        if name not in players:
            config = CONFIGS.get(name, {})
            folder_of(folder / name, name, **config)
            players[name] = playground.Player(folder / name)
        return players[name]

    return get


# --- what a model can -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "able", "starts", "options"),
    [
        ("vae", {"sample", "steer", "see", "between"}, ["seed", "test image"], set()),
        ("ae", {"steer", "see", "between"}, ["test image"], set()),
        ("gan", {"sample", "steer", "between"}, ["seed"], set()),
        ("cgan", {"sample"}, [], {"label"}),
        (
            "stylegan",
            {"sample", "steer", "between", "mix", "project"},
            ["seed"],
            {"truncation"},
        ),
        ("classifier", {"see"}, [], set()),
        ("vit", {"see"}, [], set()),
        ("pix2pix", {"translate"}, [], set()),
        (
            "ddpm",
            {"sample", "denoise"},
            [],
            {"label", "guidance", "steps", "sampler"},
        ),
    ],
)
def test_a_page_has_rooms_for_what_the_model_can(name, able, starts, options, opened):
    player = opened(name)
    assert {room.name for room in player.rooms} == able
    assert player.starts == starts and player.options == options
    assert name in player.about and "digits" in player.about and not player.note


CLIPS = {"dataset": "moving:digits", "frames": tiny.FRAMES, "image_size": 28}


@pytest.mark.parametrize(
    "name, able", [("rnn_vaegan", {"foretell", "films"}), ("interpolator", {"amid"})]
)
def test_a_model_of_clips_has_rooms_that_play(name, able, tmp_path):
    player = playground.Player(folder_of(tmp_path / name, name), **CLIPS)
    assert {room.name for room in player.rooms} == able
    assert f"clips of {tiny.FRAMES}x28x28x1, trained on moving:digits" in player.about
    assert player.space.test_images([2])[0].shape == (tiny.FRAMES, *SHAPE)
    assert player.rules.image_size == (28, 28)


def test_an_uploaded_film_is_its_first_frames(tmp_path):
    frames = [Image.new("L", (20, 20), value) for value in (10, 90, 170, 250)]
    path = tmp_path / "film.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100)
    clip = uploads.film(path, RULES, 3)
    assert clip.shape == (3, *SHAPE) and clip.dtype == np.uint8
    assert clip[:, 9, 9, 0].tolist() == [10, 90, 170]
    assert uploads.film(path, RULES, 9).shape[0] == 4
    still = tmp_path / "still.png"
    frames[1].save(still)
    assert uploads.film(still, RULES, 9)[:, 5, 5, 0].tolist() == [90]
    turned = Image.new("L", (20, 20), 10)
    turned.paste(250, (0, 0, 20, 10))  # bright above, before it is turned
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    turned.save(tmp_path / "turned.png", exif=exif)
    (clip,) = uploads.film(tmp_path / "turned.png", RULES, 9)
    np.testing.assert_array_equal(clip, uploads.read(tmp_path / "turned.png", RULES))
    assert clip[3, 9, 0] < 100 < clip[24, 9, 0]
    path.write_bytes(path.read_bytes()[:120])
    with pytest.raises(ValueError, match="is damaged: "):
        uploads.film(path, RULES, 4)


def test_a_model_without_a_room_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.pages.playground.player.ROOMS", plan.ROOMS[:1])
    folder = folder_of(tmp_path / "pix2pix", "pix2pix")
    assert "can translate alone" in refusal(playground.Player, folder)


def test_a_file_without_a_run_is_played_without_its_data(tmp_path):
    for name in ("vae", "ae"):
        tiny.model(name).save(tmp_path / f"{name}.keras")
    player = playground.Player(tmp_path / "vae.keras")
    assert "no run folder" in player.note and player.starts == ["seed"]
    assert player.moved(player.start("seed", 3), [1.0]).shape == (8, 8, 1)
    player = playground.Player(tmp_path / "ae.keras")  # an ae has no prior either
    assert [room.name for room in player.rooms] == ["see", "between"]
    with pytest.raises(ValueError, match="8x8x1.*28x28"):
        playground.Player(tmp_path / "ae.keras", dataset="digits")
    with pytest.raises(FileNotFoundError, match="none.keras"):
        playground.Player(tmp_path / "none.keras")


# --- samples and latents --------------------------------------------------------------


def test_samples_are_those_of_the_model(opened):
    player = opened("vae")
    np.testing.assert_array_equal(player.sample(5, 3), player.model.sample(3, seed=5))
    player = opened("cgan")
    wanted = player.model.sample(2, labels=[1, 1], seed=5)
    np.testing.assert_array_equal(player.sample(5, 2, label=1), wanted)
    assert player.class_names == [f"class {k}" for k in range(tiny.NUM_CLASSES)]
    with pytest.raises(ValueError, match="1 to 64. Received: 65"):
        player.sample(0, 65)


@pytest.mark.slow
def test_a_film_leads_from_noise_to_the_sample(opened):
    player = opened("ddpm")
    film = player.denoising(7, label=2, steps=4)
    assert film.shape == (5, *SHAPE)
    sample = player.sample(7, 1, label=2, steps=4)[0]
    np.testing.assert_allclose(np.clip(film[-1], -1, 1), sample, atol=1e-4)
    assert 0.9 < film[0].std() < 1.1
    with pytest.raises(ValueError, match="steps is an integer from 1 to 20"):
        player.denoising(7, steps=21)  # the tiny model has 20 timesteps


@pytest.mark.parametrize("name", ["vae", "ae", "gan"])
def test_offsets_move_the_latent_along_its_directions(name, opened):
    player = opened(name)
    axes, start = player.axes, player.start(player.starts[0], 1)
    z = start + 2 * axes.deviations[0] * axes.vectors[0]
    z = z - 1.5 * axes.deviations[1] * axes.vectors[1]
    image = player.moved(start, [2, -1.5])
    np.testing.assert_allclose(image, player.model.decode(z[None])[0], atol=1e-5)
    np.testing.assert_array_equal(
        player.moved(start, [0, 0, 0]), player.model.decode(start[None])[0]
    )
    np.testing.assert_allclose(player.start("average"), axes.centre, atol=1e-6)


def test_ways_lead_from_one_end_to_the_other(opened):
    player = opened("vae")
    ends = player.start("seed", 1), player.start("test image", 2)
    way = player.between(*ends, steps=4)
    assert way.shape == (4, *SHAPE)
    np.testing.assert_allclose(way[[0, -1]], player.model.decode(ends), atol=1e-5)
    with pytest.raises(ValueError, match="2 to 100"):
        player.between(*ends, steps=1)


def test_styles_are_mixed_and_searched(opened):
    player = opened("stylegan")
    table = player.mixed(2, 7, level=1, truncation=0.5)
    assert table.shape == (5, 6, *SHAPE)
    wanted = player.sample(8, 1, truncation=0.5)[0]
    np.testing.assert_allclose(table[0, 2], wanted, atol=1e-5)
    mean = player.sample(8, 1, truncation=0.0)[0]
    np.testing.assert_allclose(player.mean_style(), mean, atol=1e-5)
    image = player.space.test_images([0])[0]
    answer = player.projected(image, steps=2)
    assert answer.shape == SHAPE and answer.dtype == np.float32
    with pytest.raises(ValueError, match="1 to 1000. Received: 1001"):
        player.projected(image, steps=1001)


# --- images ---------------------------------------------------------------------------


def test_an_image_is_encoded_rebuilt_and_named(opened):
    player = opened("vae")
    image = player.space.test_images([0])[0]
    seen = player.see(image)
    np.testing.assert_array_equal(seen.z, player.model.encode(image[None])[0])
    wanted = player.model.reconstruct(image[None])[0]
    np.testing.assert_array_equal(seen.reconstruction, wanted)
    _, labels = player.space.test
    assert max(seen.classes, key=seen.classes.get) == str(labels[0])
    assert "the zoo's classifier-digits" in seen.classifier


def test_a_classifier_names_images_by_itself(opened):
    player = opened("classifier")
    image = player.space.test_images([0])[0]
    seen = player.see(image)
    assert seen.z is None and seen.reconstruction is None
    p = player.model.predict(image[None], verbose=0)[0]
    np.testing.assert_allclose(list(seen.classes.values()), p, atol=1e-6)
    assert list(seen.classes) == [str(k) for k in range(10)]
    assert seen.attention is None


def test_a_transformer_shows_where_it_looked(opened):
    player = opened("vit")
    seen = player.see(player.space.test_images([0])[0])
    assert len(seen.classes) == 10 and seen.classifier == "by vit"
    assert seen.attention.shape == (28, 28, 3) and seen.attention.dtype == np.uint8


def saved(folder, picture, name="picture.png", **options):
    picture.save(folder / name, **options)
    return folder / name


def test_a_picture_is_translated_and_shown_beside_its_truth(opened):
    player = opened("pix2pix")
    translator, (image,) = player.translator, player.space.test_images([3])
    seen = translator.of_image(image, seed=5)
    source = player.model.sources(image[None], seed=5)
    assert np.array_equal(seen.source, source[0]) and seen.truth is image
    answer = player.model.translate(source, seed=5)[0]
    np.testing.assert_allclose(seen.answer, answer, atol=1e-6)
    assert translator.sheet == "white"  # edges are black lines
    assert translator.first.truth is not None

    lines = np.full((28, 28, 1), 255, "uint8")
    drawn = translator.translated(lambda is_source: lines * is_source, of_image=False)
    assert drawn.truth is None and np.array_equal(drawn.source, lines)


def test_an_upscaler_takes_sources_of_their_own_size(opened):
    translator = opened("srgan").translator
    assert translator.rules(is_source=True).image_size is None
    assert translator.rules(is_source=False).image_size == (28, 28)
    source = np.zeros((20, 12, 1), "uint8")
    scale = opened("srgan").model.scale
    assert translator.of_source(source).answer.shape == (20 * scale, 12 * scale, 1)
    large = np.zeros((20, 257, 1), "uint8")
    assert "at most 256 pixels" in refusal(translator.of_source, large)


def test_a_model_of_two_ways_goes_back_from_images(opened):
    player = opened("cyclegan")
    assert player.translator.has_back and not opened("pix2pix").translator.has_back
    (image,) = player.space.test_images([0])
    seen = player.translator.translated(lambda is_source: image, False, back=True)
    answer = player.model.translate(image[None], back=True, seed=0)[0]
    assert seen.truth is None and np.allclose(seen.answer, answer, atol=1e-6)


def test_a_picture_is_cut_about_its_middle_and_scaled(tmp_path):
    picture = np.zeros((60, 100, 3), "uint8")
    picture[:, 20:80] = 200  # the middle is a square
    path = saved(tmp_path, Image.fromarray(picture), "wide.jpg", quality=95)
    image = uploads.read(path, RULES)
    assert image.shape == SHAPE and image.dtype == np.uint8
    assert abs(image[2:-2, 2:-2].astype(int) - 200).max() <= 3
    np.testing.assert_array_equal(uploads.read(path, RULES, inverted=True), 255 - image)
    assert uploads.read(path, Rules((16, 16), 3)).shape == (16, 16, 3)


def test_what_is_transparent_lies_on_the_background_of_the_run(tmp_path):
    picture = np.full((30, 30, 4), 255, "uint8")
    picture[..., 3] = 0
    path = saved(tmp_path, Image.fromarray(picture))
    assert (uploads.read(path, RULES) == 255).all()
    assert not uploads.read(path, RULES, inverted=True).any()
    image = uploads.read(path, Rules((16, 16), 3, background="#336699"))
    assert (image == (0x33, 0x66, 0x99)).all()


def test_a_drawing_lies_on_black():
    picture = np.full((30, 30, 4), 255, "uint8")
    picture[..., 3] = 0
    assert not playground.drawn(picture, SHAPE).any()
    picture[10:20, 10:20, 3] = 255
    assert playground.drawn(picture, SHAPE).max() > 250


def header_of(width, height):
    """Returns a PNG file that promises width x height pixels and holds none."""
    part = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    whole = struct.pack(">I", 13) + part + struct.pack(">I", zlib.crc32(part))
    return b"\x89PNG\r\n\x1a\n" + whole + b"\0\0\0\0IDAT\x35\xaf\x06\x1e"


def png(*size):
    with tempfile.SpooledTemporaryFile() as file:
        Image.new("L", size).save(file, "PNG")
        file.seek(0)
        return file.read()


WRONG = {  # {name: (file, part of the sentence)}
    "20 megapixels": (header_of(5000, 4000), "16 megapixels.*5000x4000, 20.0"),
    "a bomb": (header_of(60000, 60000), "16 megapixels. Received: far more"),
    "too many bytes": (b"\0" * (uploads.LARGEST + 1), "at most 10 MB"),
    "no image": (b"hello", "PNG, JPEG.*5 bytes that are none"),
    "empty": (b"", "0 bytes that are none"),
    "a program": (b"<svg onload='alert(1)'/>", "none of them"),
    "cut off": (png(40, 40)[:-30], "damaged"),
    "no pixels": (header_of(40, 40), "damaged"),
    "a stripe": (png(400, 2), "8 pixels a side. Received: 400x2"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_picture_is_told_in_a_sentence(name, tmp_path):
    content, message = WRONG[name]
    (tmp_path / "wrong.png").write_bytes(content)
    with pytest.raises(ValueError, match=message) as error:
        uploads.read(tmp_path / "wrong.png", RULES)
    # The message shows no path of the server.
    assert str(tmp_path) not in str(error.value)


def test_sixteen_bits_have_the_range_of_the_run(tmp_path):
    path = saved(tmp_path, Image.fromarray(np.full((28, 28), 2000, "uint16")))
    assert (uploads.read(path, RULES) == 2000 >> 8).all()
    assert (uploads.read(path, Rules(SHAPE[:2], 1, bits=12)) == 2000 >> 4).all()


KEPT = {"fit": "pad", "background": "#336699", "bits": 12}


@pytest.mark.slow
def test_a_player_reads_files_by_the_rules_of_its_run(tmp_path):
    run = folder_of(tmp_path / "vae", "vae")
    assert playground.Player(run).rules == RULES  # of a set of arrays
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | {"rules": KEPT}))
    for path in (run, run / "model.keras"):
        assert playground.Player(path).rules == Rules(SHAPE[:2], 1, **KEPT)
    (run / "model.keras").rename(tmp_path / "bare.keras")
    assert playground.Player(tmp_path / "bare.keras").rules == RULES


def test_a_player_of_an_older_run_reads_files_as_its_data_set_does(tmp_path):
    for number, image in enumerate(tiny.images(4, (8, 8)).astype("uint16")):
        saved(tmp_path, Image.fromarray(image * 16), f"{number}.png")
    name = f"folder:{tmp_path}"
    run = folder_of(tmp_path / "run", "vae", name, (8, 8, 1))
    assert playground.Player(run).rules == Rules((8, 8), 1, bits=12)


def test_pictures_are_coloured_and_large_enough():
    images = tiny.floats(5)
    for picture in (
        pictures.sheet(images),
        pictures.strip(images, count=3),
        pictures.bars(np.arange(4.0)),
    ):
        assert picture.dtype == np.uint8 and picture.shape[-1] == 3
        assert picture.shape[1] >= 560
    first, last = pictures.strip(images, 2), pictures.sheet(images[[0, -1]], 2)
    np.testing.assert_array_equal(first, last)


# --- the process ----------------------------------------------------------------------


def test_files_lie_in_a_folder_that_is_removed():
    before = dict(os.environ)
    with confined.confined() as folder:
        with tempfile.NamedTemporaryFile(delete=False) as file:
            assert pathlib.Path(file.name).parent == pathlib.Path(folder)
        assert os.environ["GRADIO_TEMP_DIR"] == os.environ["MPLCONFIGDIR"] == folder
        assert os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"
    assert not pathlib.Path(folder).exists()
    assert dict(os.environ) == before and tempfile.gettempdir() != folder


def test_without_gradio_a_sentence_tells_what_to_install(tmp_path, monkeypatch, capsys):
    run = folder_of(tmp_path / "vae", "vae")
    monkeypatch.setitem(sys.modules, "gradio", None)
    assert called(verb, f"--workdir={run}") == 1
    err = capsys.readouterr().err
    assert "pip install -r requirements-playground.txt" in err
    assert err.count("\n") == 1


def test_the_page_is_private_unless_told_otherwise():
    assert verb.VERB.flags["host"].default == "127.0.0.1"
    hosts = {"127.0.0.1": True, "localhost": True, "::1": True, "0.0.0.0": False}
    for host, private in (hosts | {"machine.example": False}).items():
        assert guard.is_loopback(host) == private


PAGE = "127.0.0.1:7860"


@pytest.mark.parametrize(
    "headers, status",
    [
        ({"host": PAGE}, 200),
        ({"host": "localhost:7860", "origin": "http://localhost:7860"}, 200),
        ({"host": "[::1]:7860"}, 200),
        ({"host": "localhost"}, 200),
        ({"host": "evil.example:7860"}, 403),
        ({"host": "evil.example:7860", "origin": "http://evil.example:7860"}, 403),
        ({"host": "127.0.0.1.evil.example"}, 403),
        ({"host": PAGE, "origin": "http://evil.example"}, 403),
        ({"host": PAGE, "origin": "http://localhost:8000"}, 403),
        ({"host": PAGE, "origin": "null"}, 403),
        ({}, 403),
    ],
)
def test_a_private_page_answers_its_own_machine_and_page_alone(headers, status):
    sent = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message):
        sent.append(message)

    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "headers": pairs}
    asyncio.run(guard.OwnMachine(app)(scope, None, send))
    assert sent[0]["status"] == status
    assert not dict(sent[0]["headers"]).get(b"access-control-allow-origin")


def test_every_room_is_a_function_of_the_page():
    functions = set()
    for file in pathlib.Path(plan.__file__).parent.glob("*.py"):
        nodes = ast.parse(file.read_text()).body
        functions |= {node.name for node in nodes if hasattr(node, "name")}
    assert {room.name for room in plan.ROOMS} <= functions


# --- all models that are at hand ------------------------------------------------------


def test_presets_and_finished_runs_are_shown_before_they_are_read(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    presets = shelf.use(monkeypatch, tmp_path / "presets")
    shelf.store(tiny.model("vae"), presets)
    shelf.store(tiny.model("gan"), presets, name="emoji")
    Image.new("L", (4, 4)).save(presets / "gan-emoji.png")
    run = folder_of(tmp_path / "runs" / "mine", "ae")
    record = json.loads((run / "run.json").read_text())
    record["settings"]["model"] = "ae"
    (run / "run.json").write_text(json.dumps(record))
    (run / "samples").mkdir()
    Image.new("L", (4, 4)).save(run / "samples" / "0001.png")
    broken = folder_of(tmp_path / "runs" / "broken", "ae")
    (broken / "run.json").write_text("{")
    (tmp_path / "runs" / "unfinished").mkdir()
    subjects = {each.name: each for each in at_hand.subjects()}
    assert list(subjects)[:2] == ["gan/emoji", "vae/digits"]
    assert set(subjects) == {"gan/emoji", "vae/digits", "runs/mine", "runs/broken"}
    assert subjects["gan/emoji"].sheet.endswith("gan-emoji.png")
    assert subjects["vae/digits"].sheet is None
    assert subjects["runs/mine"].sheet.endswith("0001.png")
    assert "ae on digits" in subjects["runs/mine"].about
    assert not (tmp_path / "runs" / "presets").exists()

    player = subjects["gan/emoji"].player
    assert player.sample(0, 2).shape == (2, 8, 8, 1)
    assert player is subjects["gan/emoji"].player
    assert subjects["runs/mine"].player.model.registry_name == "ae"


def test_flags_of_a_data_set_go_with_a_model(capsys):
    assert called(verb, "--dataset=digits") == 1
    assert "go with --workdir or --weights" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name, room", [("only_sample", "sample"), ("only_encode", "see")]
)
def test_a_model_that_can_do_one_thing_has_its_room(name, room, only, tmp_path):  # noqa: F811
    player = playground.Player(folder_of(tmp_path / name, name))
    assert [each.name for each in player.rooms] == [room] and not player.starts
    if room == "sample":
        assert player.sample(0, 2).shape == (2, *SHAPE)
    else:
        seen = player.see(player.space.test_images([0])[0])
        assert seen.z.shape == (3,) and seen.reconstruction is None
