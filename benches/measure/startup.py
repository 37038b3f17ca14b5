"""Time from the start of a process to its first answer."""

import os
import socket
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from harness.runtime import BINARIES
from harness.waiting import wait_until
from measure.figures import milliseconds
from measure.https import TLS, complete, request

LISTENER = 3


def start_api(folder):
    """As systemd starts it: the listening socket is there before the process, so a client can already be waiting."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    # The shell moves the listener to where LISTEN_FDS says it is, and becomes the API.
    shell = f'exec "$0" "$@" {LISTENER}<&{listener.fileno()}'
    options = ["--core-socket", folder / "none.socket", "--compile-socket", folder / "none.socket"]
    begin = time.perf_counter()
    process = subprocess.Popen(
        ["sh", "-c", shell, BINARIES / "openplc-api", *options],
        env={"LISTEN_FDS": "1", "STATE_DIRECTORY": str(folder), "PATH": os.environ["PATH"]},
        pass_fds=[listener.fileno()],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    listener.close()
    try:
        with TLS.wrap_socket(socket.create_connection(("127.0.0.1", port))) as connection:
            connection.sendall(request("/api/version"))
            received = b""
            while not complete(received):
                received += connection.recv(65536)
        return time.perf_counter() - begin
    finally:
        process.terminate()
        process.wait()


def first_answer(figures, rounds):
    with tempfile.TemporaryDirectory(prefix="openplc-bench-") as folder:
        first = start_api(Path(folder))
        later = statistics.median(start_api(Path(folder)) for _ in range(rounds))
    figures.add(
        "first answer after start of the API", f"p50 {milliseconds(later)}",
        f"{milliseconds(first)} when it makes its key",
        "≤ 100 ms", "1.67 s", p50_ms=later * 1000, first_ms=first * 1000,
    )  # fmt: skip


def program_running_again(figures, runtime, bundle, rounds):
    """The whole runtime by its launcher: until `status` says RUNNING."""
    runtime.login().deploy(bundle.zip())
    times = []
    for _ in range(rounds):
        runtime.stop()
        begin = time.perf_counter()
        runtime.start()
        api = runtime.login()
        hashing = time.perf_counter()
        wait_until(lambda: api.state() == "RUNNING", "the program to run", interval=0.002)  # noqa: B023
        times.append((hashing - begin, time.perf_counter() - begin))
    figures.add(
        "whole runtime started: first answer and login, then RUNNING",
        f"p50 {milliseconds(statistics.median(running for _, running in times))}",
        f"of which first answer and login {milliseconds(statistics.median(login for login, _ in times))}",
        running_ms=statistics.median(running for _, running in times) * 1000,
    )
