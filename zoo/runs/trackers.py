"""Where the epochs of a run are told of beside its own files: TensorBoard, MLflow, W&B.

A tracker is other people's service: whatever it raises costs it a warning, and the
training goes on without it. Each is imported when the first epoch is done.
"""

import contextlib
import importlib.util
import json
import pathlib

from absl import logging

from zoo.files import atomic
from zoo.inputs import suggestions
from zoo.runs.logs import Logs

EXPERIMENT = "zoo"
# A run's own files: metrics.csv is what a run goes on by, so it is always written.
OWN = ("csv", "tensorboard")
PACKAGES = {"mlflow": "mlflow>=3,<4", "wandb": "wandb>=0.19"}
LONGEST_VALUE = 500  # characters; MLflow takes 6,000, a reader fewer


def require(names):
    """Raises ValueError for a tracker that there is not, ImportError for one whose
    package is not installed."""
    known = [*OWN, *PACKAGES]
    for name in names:
        if name not in known:
            raise ValueError(
                f"Unknown tracker{suggestions.nearest(name, known)}; there are "
                f"{', '.join(known)}. Received: log={','.join(names)}."
            )
        if name in PACKAGES and importlib.util.find_spec(name) is None:
            raise ImportError(
                f"`pip install '{PACKAGES[name]}'` installs what --log={name} needs. "
                f"Received: log={','.join(names)}."
            )


class MLflow:
    """A run of the experiment "zoo" where MLflow keeps its runs, which
    MLFLOW_TRACKING_URI says.

    Args:
        title: Name of the run.
        facts: {name: value} of its settings.
        key: Of the run that goes on, or None for a new one.
    """

    def __init__(self, title, facts, key):
        import mlflow

        self.client, self.key = mlflow.MlflowClient(), key
        if key is None:
            experiment = self.client.get_experiment_by_name(EXPERIMENT)
            place = experiment.experiment_id if experiment else None
            place = place or self.client.create_experiment(EXPERIMENT)
            self.key = self.client.create_run(place, run_name=title).info.run_id
            for name, value in facts.items():
                self.client.log_param(self.key, name, value)
        else:
            self.client.update_run(key, status="RUNNING")

    def scalars(self, epoch, values):
        for name, value in values.items():
            self.client.log_metric(self.key, name, value, step=epoch)

    def picture(self, epoch, tag, picture):
        self.client.log_image(self.key, picture, key=tag, step=epoch)

    def close(self):
        self.client.set_terminated(self.key)


class Wandb:
    """A run of the project "zoo" of Weights & Biases; WANDB_MODE=offline keeps it on
    this machine. Arguments as of `MLflow`."""

    def __init__(self, title, facts, key):
        import wandb

        self.image = wandb.Image
        how = {"project": EXPERIMENT, "name": title, "config": facts}
        self.run = wandb.init(**how, id=key, resume="allow" if key else None)
        self.key = self.run.id

    def scalars(self, epoch, values):
        self.run.log(values, step=epoch)

    def picture(self, epoch, tag, picture):
        self.run.log({tag: self.image(picture)}, step=epoch)

    def close(self):
        self.run.finish()


KINDS = {"mlflow": MLflow, "wandb": Wandb}


class Trackers:
    """All that hears of the epochs of a run.

    Args:
        run: The `Run`.
        names: Of `OWN` and `KINDS`.
    """

    def __init__(self, run, names):
        self.own = Logs(run.folder.logs, run.progress.epoch)
        self.has_board = "tensorboard" in names
        self.keys = run.folder.logs / "trackers.json"
        self.title = pathlib.Path(run.settings.workdir).name
        self.facts = _flat(run.settings.plain())
        names = [name for name in KINDS if name in names and run.is_chief]
        self.others = dict.fromkeys(names)

    def scalars(self, epoch, values):
        """Tells all of {term: value}; an OSError of TensorBoard's files is raised."""
        if self.has_board:
            self.own.scalars(epoch, values)
        self._tell("scalars", epoch, values)

    def picture(self, epoch, tag, picture):
        """Shows all a uint8 picture `[H, W, C]`."""
        if self.has_board:
            self.own.picture(epoch, tag, picture)
        self._tell("picture", epoch, tag, picture)

    def flush(self):
        self.own.flush()

    def close(self):
        self._tell("close")
        self.own.close()

    def _tell(self, method, *args):
        for name in list(self.others):
            try:
                if method != "close" or self.others[name]:
                    getattr(self._tracker(name), method)(*args)
            except Exception as error:  # a service of others may raise anything
                reason = " ".join(str(error).split()) or type(error).__name__
                message = "%s hears no more of this run, which trains on: %s"
                logging.warning(message, name, reason[:LONGEST_VALUE])
                del self.others[name]

    def _tracker(self, name):
        """The tracker, which begins with the first that it hears; the run that it had
        before, where that is still there."""
        if self.others[name] is None:
            keys, tracker = self._stored(), None
            if name in keys:
                with contextlib.suppress(Exception):
                    tracker = KINDS[name](self.title, self.facts, keys[name])
            tracker = tracker or KINDS[name](self.title, self.facts, None)
            self.others[name] = tracker
            self.keys.parent.mkdir(parents=True, exist_ok=True)
            with atomic.replaced(self.keys) as path:
                pathlib.Path(path).write_text(json.dumps(keys | {name: tracker.key}))
        return self.others[name]

    def _stored(self):
        """{tracker: its key of this run}, as far as an earlier process wrote them."""
        try:
            return dict(json.loads(self.keys.read_text()))
        except (OSError, ValueError, TypeError):
            return {}


def _flat(settings):
    """{name: text} of settings, those of dicts named NAME.KEY."""
    flat = {}
    for name, value in settings.items():
        values = value.items() if isinstance(value, dict) else [("", value)]
        flat |= {f"{name}.{k}".rstrip("."): str(v)[:LONGEST_VALUE] for k, v in values}
    return {name: value for name, value in flat.items() if value}
