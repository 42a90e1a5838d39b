"""Counts of requests and their times, in the text format of Prometheus.

The names, the labels and the unit are those of TensorFlow Serving, so that its
dashboards read this server too.
"""

import bisect
import collections
import itertools

from zoo.serving.server.refusals import CODES

CONTENT = "text/plain; version=0.0.4; charset=utf-8"
COUNT, LATENCY = (
    ":tensorflow:serving:request_count",
    ":tensorflow:serving:request_latency",
)
BOUNDS = [10 * 1.8**step for step in range(32)]  # microseconds, as there


class Monitor:
    """What happened to the questions for a model since the server began."""

    def __init__(self, model):
        self.model = model
        self.replies = collections.Counter()  # {HTTP status: replies}
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.total = 0.0  # microseconds

    def tell(self, status, seconds):
        """Counts a reply of `status`, `seconds` after its request."""
        micros = seconds * 1e6
        self.replies[status] += 1
        self.buckets[bisect.bisect_left(BOUNDS, micros)] += 1
        self.total += micros

    def text(self, inside):
        """Returns the page; `inside` is how many requests compute or wait."""
        name = self.model.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
        model = f'model_name="{name}"'
        of = f'{model},API="predict",entrypoint="REST"'
        lines = [f"# TYPE {COUNT} counter"]
        for status, count in sorted(self.replies.items()):
            code = CODES.get(status, "UNKNOWN")
            lines.append(f'{COUNT}{{{model},status="{code}"}} {count}')
        lines.append(f"# TYPE {LATENCY} histogram")
        bounds = [f"{bound:.6g}" for bound in BOUNDS] + ["+Inf"]
        for bound, below in zip(bounds, itertools.accumulate(self.buckets)):
            lines.append(f'{LATENCY}_bucket{{{of},le="{bound}"}} {below}')
        lines += [
            f"{LATENCY}_sum{{{of}}} {self.total:.0f}",
            f"{LATENCY}_count{{{of}}} {self.replies.total()}",
            "# TYPE zoo_requests_in_progress gauge",
            f"zoo_requests_in_progress{{{model}}} {inside}",
        ]
        return "\n".join(lines) + "\n"
