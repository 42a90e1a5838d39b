"""Measures the replies of `experiments.serve` under load, for docs/serving.md, and
checks that each is the image of its seed.

PYTHONPATH=.:tests python tests/tools/serving_load.py
"""

import base64
import concurrent.futures
import http.client
import io
import json
import pathlib
import queue
import re
import tempfile
import time

import numpy as np
from PIL import Image
from verbs import start

import zoo
from zoo.inputs import pixels

MODELS, ROWS = ("gan", "vae"), (1, 8)
SHAPE = (28, 28, 1)
REQUESTS, CLIENTS = 1000, 50


def main():
    print("| model | rows | requests a second | p50, ms | p95, ms |")
    print("|---|---|---|---|---|")
    for name in MODELS:
        model = zoo.get(name, image_shape=SHAPE)
        with tempfile.TemporaryDirectory() as folder:
            zoo.export(model, pathlib.Path(folder, name), ["sample_png"])
            flags = f"--model_dir={folder}/{name}", "--port=0"
            server = start("serve", *flags, cwd=folder)
            address = re.search(r"http://([\d.:]+)/", server.stdout.readline())[1]
            for rows in ROWS:
                wanted = pixels.to_uint8(model.sample(REQUESTS * rows, seed=0))
                total, times = loaded(address, name, rows, wanted.astype(int))
                p50, p95 = np.percentile(times, (50, 95)) * 1e3
                rate = REQUESTS / total
                print(f"| `{name}` | {rows} | {rate:.0f} | {p50:.0f} | {p95:.0f} |")
            server.terminate()
            server.communicate()


def loaded(address, name, rows, wanted):
    """Returns (seconds of all requests, `[REQUESTS]` seconds of each). Image i of
    `wanted` is that of seed i."""
    connections = queue.SimpleQueue()
    for _ in range(CLIENTS):
        connections.put(http.client.HTTPConnection(address))

    def ask(number):
        seeds = list(range(number * rows, (number + 1) * rows))
        question = {"signature_name": "sample_png", "inputs": {"seed": seeds}}
        connection = connections.get()
        begin = time.perf_counter()
        connection.request("POST", f"/v1/models/{name}:predict", json.dumps(question))
        reply = connection.getresponse()
        content = reply.read()
        seconds = time.perf_counter() - begin
        connections.put(connection)
        assert reply.status == 200, content
        for seed, file in zip(seeds, json.loads(content)["outputs"]):
            picture = Image.open(io.BytesIO(base64.b64decode(file["b64"])))
            image = np.asarray(picture, int)
            assert abs(image - wanted[seed, ..., 0]).max() <= 1, seed
        return seconds

    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(ask, range(CLIENTS)))  # the graph's first runs plan it
        begin = time.perf_counter()
        times = list(pool.map(ask, range(REQUESTS)))
        return time.perf_counter() - begin, np.array(times)


if __name__ == "__main__":
    main()
