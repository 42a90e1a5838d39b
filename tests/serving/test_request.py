"""Tests the client of a model server, and the files that a server gets with its
models."""

import http.server
import re
import sys
import threading

import numpy as np
import pytest
import serving_docs
import stub_server
import tiny
from google.protobuf import text_format
from PIL import Image

import zoo
from zoo import commands
from zoo.commands import export, request
from zoo.drawing import plots
from zoo.inputs import pixels
from zoo.serving import client, configs


@pytest.fixture(scope="module")
def vae():
    return tiny.model("vae")


@pytest.fixture(scope="module")
def addresses(vae, tmp_path_factory):
    path = zoo.export(vae, tmp_path_factory.mktemp("serving") / "vae")
    with stub_server.serving(path) as pair:
        yield dict(zip((client.Rest, client.Grpc), pair))


@pytest.fixture(params=[client.Rest, client.Grpc])
def connect(request, addresses):
    """Returns connect(model, version), which gives a client, once of each kind."""
    kind = request.param
    return lambda name="vae", version=None: kind(addresses[kind], name, version)


def called(*flags):
    return commands.start(request.VERB, request.main, ["request", *flags])


@pytest.mark.slow
def test_a_server_tells_its_signatures(connect):
    ends = connect().signatures()
    assert ends["sample"].inputs == {"seed": ("int64", (-1,))}
    assert ends["reconstruct_uint8"].inputs == {"images": ("uint8", (-1, 8, 8, 1))}
    assert ends["encode"].outputs["z_logvar"] == ("float32", (-1, 3))


def test_a_server_tells_which_versions_are_ready(addresses):
    server = client.Rest(addresses[client.Rest], "vae")
    assert server.states() == {1: "AVAILABLE"}
    # Kubernetes asks the same address whether it may send requests.
    probe = re.search(r"readinessProbe:\s+httpGet: {path: (\S+),", page())
    assert server.url.replace("vae", "vaegan").endswith(probe.group(1))


@pytest.mark.parametrize("version", [None, 1, "latest"])
def test_images_of_a_server_are_the_models(version, connect, vae):
    reply = connect(version=version).predict("sample", {"seed": np.arange(5, 8)})
    assert reply["images"].dtype == np.float32
    np.testing.assert_allclose(reply["images"], vae.sample(3, seed=5), atol=1e-5)


def test_files_come_and_go_as_bytes(connect, vae, tmp_path):
    images = tiny.images(2)
    files = np.array([pixels.png(image) for image in images], object)
    (tmp_path / "0.png").write_bytes(
        connect().predict("reconstruct_png", {"image_bytes": files})["png_bytes"][0]
    )
    picture = np.asarray(Image.open(tmp_path / "0.png")).astype(int)
    wanted = pixels.to_uint8(vae.reconstruct(images))[0, ..., 0].astype(int)
    assert abs(picture - wanted).max() <= 1


def test_outputs_keep_their_names(connect, vae):
    images = tiny.floats(3)
    reply = connect().predict("encode", {"images": images})
    assert set(reply) == {"z", "z_mean", "z_logvar"}
    np.testing.assert_allclose(reply["z"], vae.encode(images), atol=1e-5)


def test_what_a_server_refuses_is_told(connect):
    with pytest.raises(ValueError, match=r"status \S+: decode takes z as .* nan\.$"):
        connect().predict("decode", {"z": np.full((1, 3), np.nan, "float32")})


@pytest.mark.parametrize("asked", [("gan", None), ("vae", 2), ("vae", "previous")])
def test_a_model_that_is_not_served_is_told(asked, connect):
    with pytest.raises(ValueError, match="status (404|NOT_FOUND)"):
        connect(*asked).signatures()


@pytest.mark.parametrize("kind", [client.Rest, client.Grpc])
def test_no_server_is_told(kind):
    with pytest.raises(ConnectionError, match="No model server answers at 127.0.0.1:9"):
        kind("127.0.0.1:9", "vae", timeout=5).signatures()


def test_another_server_is_told():
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>Hello</html>")

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with pytest.raises(ValueError, match="no model server"):
        client.Rest(f"127.0.0.1:{server.server_port}", "vae").signatures()
    server.shutdown()
    server.server_close()


def test_rest_works_without_the_packages_of_grpc(
    addresses, monkeypatch, tmp_path, capsys
):
    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
    server = f"--server={addresses[client.Rest]}"
    out = f"--out={tmp_path / 'reply'}"
    assert called(server, "--model=vae", out) == 0
    assert called(server, "--model=vae", "--grpc", out) == 1
    assert "pip install tensorflow-serving-api" in capsys.readouterr().err


# --- the verbs ------------------------------------------------------------------------


def test_request_writes_pictures(addresses, vae, tmp_path, capsys):
    server = f"--server={addresses[client.Rest]}", "--model=vae"
    sampled, rebuilt, ways = (tmp_path / name for name in ("a", "b", "c"))
    assert called(*server, "--num_images=3", "--seed=4", f"--out={sampled}") == 0
    pictures = [np.asarray(Image.open(file)) for file in sorted(sampled.iterdir())]
    wanted = pixels.to_uint8(vae.sample(3, seed=4))[..., 0].astype(int)
    assert abs(np.stack(pictures) - wanted).max() <= 1
    files = ",".join(str(file) for file in sorted(sampled.iterdir())[:2])
    flags = "--signature=reconstruct_uint8", f"--images={files}"
    assert called(*server, *flags, f"--out={rebuilt}") == 0
    assert len(list(rebuilt.iterdir())) == 2
    flags = "--signature=interpolate_images", f"--images={files}", "--num_images=5"
    assert called(*server, *flags, f"--out={ways}") == 0
    assert len(list(ways.iterdir())) == 5
    assert capsys.readouterr().err == ""


def test_request_writes_arrays(addresses, vae, tmp_path, capsys):
    server = f"--server={addresses[client.Grpc]}", "--model=vae", "--grpc"
    latents = np.random.default_rng(0).normal(size=(2, 3)).astype("float32")
    np.save(tmp_path / "z.npy", latents)
    plots.save_images(tmp_path / "pictures", vae.decode(latents))
    files = ",".join(str(file) for file in sorted((tmp_path / "pictures").iterdir()))
    flags = "--signature=encode", f"--images={files}", f"--out={tmp_path / 'codes'}"
    assert called(*server, *flags) == 0
    assert np.load(tmp_path / "codes" / "z.npy").shape == (2, 3)
    flags = "--signature=decode", f"--latents={tmp_path / 'z.npy'}"
    assert called(*server, *flags, f"--out={tmp_path / 'images'}") == 0
    assert "images: 2 written" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--signature=classify"], "no such signature. Signatures: decode, encode"),
        (["--signature=reconstruct"], "needs --images, at least 1"),
        (["--signature=interpolate"], "needs --latents, at least 2"),
        (["--signature=reconstruct_png", "--images=/no/such.png"], "No such file"),
        (["--num_images=0"], "--num_images is at least 1"),
    ],
)
def test_request_tells_what_is_missing(flags, message, addresses, tmp_path, capsys):
    server = f"--server={addresses[client.Rest]}", "--model=vae"
    assert called(*server, *flags, f"--out={tmp_path / 'reply'}") == 1
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["../z", "/tmp/z", "a/../../z", "..", "", "z\0"])
def test_a_server_cannot_write_outside_of_the_folder(
    name, addresses, tmp_path, monkeypatch, capsys
):
    def predict(self, signature, rows):
        return {"images": np.zeros((1, 8, 8, 1)), name: np.zeros((1, 2))}

    monkeypatch.setattr(client.Rest, "predict", predict)
    server = f"--server={addresses[client.Rest]}", "--model=vae"
    assert called(*server, f"--out={tmp_path / 'a' / 'reply'}") == 1
    err = capsys.readouterr().err
    assert "what is no name of a file" in err and err.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_export_writes_a_version_and_the_configs(vae, tmp_path, capsys):
    vae.save(tmp_path / "tiny.keras")
    flags = f"--workdir={tmp_path / 'tiny.keras'}", f"--out={tmp_path / 'all' / 'tiny'}"
    flags += "--signatures=sample,decode", "--config"
    for _ in range(3):
        argv = ["export", *flags]
        assert commands.start(export.VERB, export.main, argv) == 0
    assert str(tmp_path / "all" / "tiny" / "3") in capsys.readouterr().out
    text = (tmp_path / "all" / configs.MODELS).read_text()
    assert 'base_path: "/models/tiny"' in text and "versions: 2 versions: 3" in text
    assert export_fails(*flags, "--version=2") and export_fails(*flags, "--steps=3")


def export_fails(*flags):
    return commands.start(export.VERB, export.main, ["export", *flags]) == 1


# --- configurations and the page ------------------------------------------------------


def test_models_config_is_what_a_server_reads():
    from tensorflow_serving.config import model_server_config_pb2

    text = configs.models_config({"vae": [1, 2, 5], "gan": [3]})
    config = model_server_config_pb2.ModelServerConfig()
    text_format.Parse(text, config)
    vae, gan = config.model_config_list.config
    assert (vae.name, vae.base_path) == ("vae", "/models/vae")
    assert list(vae.model_version_policy.specific.versions) == [2, 5]
    assert dict(vae.version_labels) == {"latest": 5, "previous": 2}
    assert dict(gan.version_labels) == {"latest": 3, "previous": 3}


def test_configs_need_a_model(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no exported model"):
        configs.write(tmp_path)


def test_batching_allows_its_largest_batch(tmp_path):
    (tmp_path / "vae" / "1").mkdir(parents=True)
    _, path = configs.write(tmp_path)
    text = path.read_text()
    allowed = [int(n) for n in re.findall(r"allowed_batch_sizes: (\d+)", text)]
    assert allowed == sorted(allowed)  # a server takes only sorted ones
    assert f"max_batch_size {{ value: {allowed[-1]} }}" in text


def page():
    return serving_docs.PAGE.read_text()


def test_the_page_starts_all_servers_alike():
    # The pages must name them in this order.
    ways = ("docker run", "compose.yaml", "apiVersion: apps")
    places = [page().index(way) for way in ways]
    for start, end in zip(places, [*places[1:], None]):
        part = page()[start:end]
        assert f"--model_config_file={configs.BASE}/{configs.MODELS}" in part
        assert f"--batching_parameters_file={configs.BASE}/{configs.BATCHING}" in part
        assert "--enable_batching=true" in part and "tensorflow/serving:2.21.0" in part
        assert "8500" in part and "8501" in part


@pytest.mark.slow
def test_the_page_tells_the_real_signatures():
    _, _, part = page().partition(serving_docs.START)
    part, _, _ = part.partition(serving_docs.END)
    assert part.strip() == serving_docs.page_part().strip()
