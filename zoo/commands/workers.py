"""Runs the processes of several workers, of which none continues alone."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

POLL = 0.1  # seconds


def cluster(workers, hosts, index):
    """Returns the addresses of all workers, and the indices of those to start here.

    Raises: ValueError: unless either `workers`, or `hosts` and `index` are given.
    """
    if (workers is None) == (hosts is None) or (hosts is None) != (index is None):
        raise ValueError(
            "Workers are --workers=2 on this machine, or --hosts=a:2222,b:2222 with "
            f"--index=0. Received: workers={workers}, hosts={hosts}, index={index}."
        )
    if hosts is None:
        if workers < 1:
            raise ValueError(f"--workers is at least 1. Received: workers={workers}.")
        return [f"localhost:{port}" for port in free_ports(workers)], range(workers)
    for host in hosts:
        name, _, port = host.rpartition(":")
        if not name or not port.isdecimal() or not 0 < int(port) < 2**16:
            raise ValueError(f"A host is given as name:port. Received: {host!r}.")
    if len(set(hosts)) < len(hosts):
        raise ValueError(f"Each host stands once. Received: {','.join(hosts)}.")
    if not 0 <= index < len(hosts):
        raise ValueError(
            f"--index is 0 to {len(hosts) - 1}, the place in --hosts. "
            f"Received: index={index}."
        )
    return hosts, [index]


def free_ports(count):
    """Returns ports of this machine on which nobody listens, all different."""
    sockets = [socket.create_server(("localhost", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Workers:
    """The workers of this machine, processes of `experiments.train`.

    Args:
        addresses: Of all workers, host:port.
        ours: Indices of those to start here.
        rest: Flags of `experiments.train`.
    """

    def __init__(self, addresses, ours, rest):
        self.addresses, self.rest = addresses, rest
        self.received = None
        self.processes = {index: self._start(index) for index in ours}
        self.readers = [
            threading.Thread(target=self._tell, args=pair, daemon=True)
            for pair in self.processes.items()
        ]

    def _start(self, index):
        task = {"type": "worker", "index": index}
        config = {"cluster": {"worker": list(self.addresses)}, "task": task}
        # This flag comes last, because a flag file may name another strategy.
        flags = [*self.rest, "--strategy=multi_worker"]
        return subprocess.Popen(
            [sys.executable, "-m", "zoo", "train", *flags],
            env=os.environ | {"TF_CONFIG": json.dumps(config), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # Ctrl-C reaches it only through this process, so once.
            start_new_session=True,
        )

    def _tell(self, index, process):
        for line in process.stdout:
            sys.stdout.write(f"[{index}] {line}")
            sys.stdout.flush()

    def run(self, grace):
        """Waits for the workers; when one fails, the others end within `grace` and a
        few seconds. Returns the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._pass_on)
        for reader in self.readers:
            reader.start()
        try:
            failed = self._wait(grace)
        finally:
            for process in self.processes.values():
                if process.poll() is None:
                    process.kill()
                process.wait()
            for reader in self.readers:
                reader.join(1)
        if self.received:
            return 128 + self.received
        if failed is None:
            return 0
        print(
            f"launch: worker {failed} ended {_reason(self.processes[failed])}, and "
            "none goes on alone; the same command goes on from the last checkpoint.",
            file=sys.stderr,
        )
        return 1

    def _pass_on(self, number, frame):
        """Passes a signal on to all workers: they stop at the same step."""
        self.received = number
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)

    def _wait(self, grace):
        """Returns the index of the worker for which all end, None if none failed."""
        failed, deadline = None, None
        while any(process.poll() is None for process in self.processes.values()):
            if deadline is None and self._failed():
                time.sleep(POLL)  # the others may end sooner than the one that failed
                failed, deadline = self._failed()[0], time.monotonic() + grace
            if deadline is not None and time.monotonic() > deadline:
                return failed
            time.sleep(POLL)
        return failed if failed is not None else next(iter(self._failed()), None)

    def _failed(self):
        """Indices of the workers that failed, first those that a signal ended: one that
        misses another ends by itself."""
        codes = {index: process.poll() for index, process in self.processes.items()}
        return sorted((index for index, code in codes.items() if code), key=codes.get)


def _reason(process):
    """Says in words how a process ended."""
    if process.returncode < 0:
        return f"by {signal.Signals(-process.returncode).name}"
    return f"with exit code {process.returncode}"
