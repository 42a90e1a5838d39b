"""The floor and the ladder: what the scores are of real images, and as they get worse.

They depend on the protocol and the real images alone, so that all models measured the
same way share them; they are kept in the cache, as long as the code is a known commit.
"""

import hashlib
import json
import pathlib

from zoo import metrics
from zoo.files.atomic import replaced
from zoo.pretrained import features as presets


def measure(bench, protocol):
    """Returns {"train": scores, "blur 0.5": scores, ...}: training images, as they are
    and corrupted, compared with test images.

    Args:
        bench: A prepared `Bench`.
        protocol: The `Protocol` of its scores.
    """
    path = _path(bench, protocol)
    if path.is_file():
        with bench.progress.stage(f"the floor and the ladder, from {path}"):
            return json.loads(path.read_text())
    scores = {}
    with bench.progress.stage("the floor: training images"):
        scores["train"] = bench.compare(bench.train)
    for name, images in metrics.ladder(bench.train, bench.options.seed):
        with bench.progress.stage(f"the ladder: {name}"):
            scores[name] = bench.compare(images)
    if not protocol.code.endswith("-dirty"):  # such code may be anything
        path.parent.mkdir(parents=True, exist_ok=True)
        with replaced(path) as temporary:
            pathlib.Path(temporary).write_text(json.dumps(scores, indent=2) + "\n")
    return scores


def _path(bench, protocol):
    """Where the references lie: whatever could change them changes the name."""
    key = hashlib.sha256(json.dumps(protocol.plain(), sort_keys=True).encode())
    key.update(str(bench.details.get("judge")).encode())
    for images in (bench.test, bench.train):
        key.update(images.tobytes())
    if bench.test_labels is not None:
        key.update(bench.test_labels.tobytes())
    return presets.cache() / "references" / f"{key.hexdigest()[:16]}.json"
