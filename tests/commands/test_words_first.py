"""What is wrong with a command's words is told before a framework is imported."""

import json
import statistics
import subprocess
import sys

import pytest
from verbs import ROOT

from zoo.commands import CHOICES, OPTIONS, evaluate, verify
from zoo.commands.targets import MEASURES
from zoo.data import sources
from zoo.data.sources.captions import Captions
from zoo.data.sources.clips import Clips
from zoo.pretrained.features import KINDS

# {run} is the folder of a run that has begun, {photos} one of other files.
WRONG = """
train --dataset=digts
train --dataset={photos}
train --dataset=folder:nowhere
train --dataset=npz:nowhere.npz
train --dataset=records:{photos}
train --dataset=folder:{photos} --background=blu
train --image_size=4
train --image_size=8x
train --classes=5,11
train --model=vae --set=latent_dims=2
train --model=vae --set=latent_dim=big
train --model=vaegan --set=loss=x
train --model=vea
train --schedule=cosin
train --learning_rate=high
train --strategy=parameter_server
train --init_from=nowhere
train --init_from=gan/nowhere
train --from=nowhere
train --fit=pad
train --color=gray
train --frames=1
train --every=0
train --dataset=digits --frames=4
train --dataset=digits --domains=5
train --dataset=pairs:nowhere
prepare --dataset=clips:nowhere --frames=4
train --epochs=0
train --dataset=emoji:twiter
train --dataset=emoji --data_dir={photos}
train --dataset=emoji:google --language=jp
train --dataset=photographs --data_dir={photos}
train --dataset=photographs:sea
train --dataset=scene
train --dataset=captions:{photos} --text_column=,
train --dataset=emoji --domains=twitter,gogle
prepare --dataset=digts
prepare --dataset=emoji:twiter
prepare --dataset=emoji --data_dir={photos} --from=nowhere
prepare --dataset=emoji --data_dir={photos} --from={photos}
prepare --dataset=photographs --data_dir={photos} --from={photos}
prepare --dataset=digits --from={photos}
prepare --dataset=emoji --image_size=32
prepare --shards=0
prepare --out={run}
compare --models=ae,vae --set=latent_dims=2
compare --models=ae,vae --set=vae.latent_dim=x
compare --models=ae,vae --dataset=digts
compare --models=ae,vae --out=x.png
compare --models=ae,vae --minutes=0
compare --models=ae
sample --workdir=nowhere
sample --weights=gan/nowhere
export --weights=nowhere
playground --weights=gan/nowhere
verify --weights=gan/nowhere
publish --workdir=nowhere
sample --workdir={photos}
sample --workdir={photos}/text.txt
sample --workdir={run} --out=x.jpg
sample --workdir={run} --num_images=0
sample --workdir={run} --labels=one
interpolate --workdir={run} --images=1
interpolate --workdir={run} --dataset=digits --classes=99
interpolate --workdir={run} --steps=1
traverse --workdir={run} --out=x.jpg
traverse --workdir={run} --count=0
translate --workdir=nowhere
translate --workdir={run} --images={photos}
translate --workdir={run} --images=nowhere --out=x
translate --workdir={run} --images={photos} --out=x
translate --workdir={run} --images={photos}/text.txt --out={photos}
film --workdir=nowhere
film --workdir={run} --out=x.png
film --workdir={run} --kind=walks
film --workdir={run} --seconds=0
film --workdir={run} --seconds=nan
film --workdir={run} --fps=51
film --workdir={run} --colours=1
film --workdir={run} --colours=257
film --workdir={run} --labels=one
film --workdir={run} --kind=walk --steps=5
film --workdir={run} --kind=training
mix --workdir=nowhere
mix --workdir={run} --coarse=one
mix --workdir={run} --fine=1,-2
mix --workdir={run} --level=-1
mix --workdir={run} --truncation=1.5
mix --workdir={run} --truncation=nan
mix --workdir={run} --out=x.jpg
project --workdir=nowhere
project --workdir={run} --images=one
project --workdir={run} --steps=0
project --workdir={run} --out=x.jpg
sample --workdir={run} --truncation=-0.1
anomaly --workdir={run} --background=x
attention --workdir={run} --out=x.jpg
attention --workdir={run} --images=one
attention --workdir={run} --num_images=0
arithmetic --workdir={run} --strengths=a
evaluate --workdir={run} --k=0
evaluate --workdir={run} --features=x
evaluate --workdir={run} --fit=cut
evaluate --workdir={run} --image_size=64x
samplers --workdir={run} --out=x.txt
gallery --workdirs={run} --out=x.jpg
benchmark --models=wgan_gp --batch_size=0
tour --lang=xx
tour --out=x.png
tour --num_images=1
verify --models=x
verify --workdir=nowhere
playground --workdir=nowhere
playground --image_size=4
export --workdir=nowhere
export --workdir={run} --format=x
export --workdir={run} --version=0
serve
serve --model_dir=nowhere
serve --model_dir={photos}
serve --workdir=nowhere
serve --workdir={run} --model_dir={photos}
serve --workdir={run} --port=65536
serve --workdir={run} --workers=0
request --num_images=0
request --latents=nowhere.npy
request --labels=x
request --truncation=2
collapse --num_images=1
results --out=x.txt
reproduce --recipes=x
extractor --workdir=nowhere
benchmark --models=x
benchmark --batch_size=0
benchmark --image_size=4
benchmark --dataset=digts
gpu --models=x
gpu --batch_size=x
launch --workers=0
"""
SCRIPT = """
import contextlib, importlib, io, json, sys, time
from zoo import commands
answers = []
for line in json.load(sys.stdin):
    verb, *flags = line.split()
    module, err = importlib.import_module(f"zoo.commands.{verb}"), io.StringIO()
    main = module.main if verb != "launch" else lambda: module.main([])
    start = time.process_time()
    with contextlib.redirect_stderr(err):
        code = commands.start(module.VERB, main, [verb, *flags])
    frameworks = {"keras", "tensorflow", "jax", "torch"} & set(sys.modules)
    seconds = time.process_time() - start
    answers.append([line, code, err.getvalue(), sorted(frameworks), seconds])
print(json.dumps(answers))
"""


def test_what_is_wrong_is_told_before_a_framework_is_imported(tmp_path):
    for name in ("run/run.json", "photos/text.txt"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("{}")
    places = {name: tmp_path / name for name in ("run", "photos")}
    lines = WRONG.strip().format(**places).splitlines()
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; sys.path.insert(0, {str(ROOT)!r}){SCRIPT}",
        ],
        input=json.dumps(lines),
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    for line, code, err, frameworks, _ in answers:
        assert (code, err.count("\n"), frameworks) == (1, 1, []), (line, code, err)
        assert err.startswith(line.split()[0]) and err.endswith(".\n"), (line, err)
    # One answer may be slow where other work shares the cores; the usual one is not.
    assert statistics.median(seconds for *_, seconds in answers) < 0.5
    assert sorted(file.name for file in tmp_path.iterdir()) == ["photos", "run"]


@pytest.mark.parametrize("name", CHOICES)
def test_flags_offer_what_sets_take(name):
    assert tuple(CHOICES[name]) == sources.OPTIONS[name].choices
    assert CHOICES[name][0] == sources.OPTIONS[name].default


def test_flags_tell_the_defaults_of_the_options_of_data_sets():
    assert {*CHOICES, *OPTIONS} <= set(sources.OPTIONS)
    options = Captions.options | Clips.options
    for name in ("background", "text_column", "frames", "every"):
        assert str(options[name].default) == OPTIONS[name][2]


def test_the_features_that_can_be_asked_for_are_there():
    assert KINDS == evaluate.FEATURES


def test_the_targets_that_can_be_asked_for_are_there():
    assert tuple(MEASURES) == verify.TARGETS
