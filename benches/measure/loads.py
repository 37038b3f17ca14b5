"""What else a computer does while its scans are measured. Each load is a context and ends with it."""

import multiprocessing
import signal
import subprocess
import threading
from contextlib import ExitStack, contextmanager

from harness.api import Api
from harness.debug_protocol import read_request
from measure.https import kept_connections, request
from measure.websocket import DebugSession, command_frame

FOR_EVER = 1e9


@contextmanager
def process(function, *arguments):
    """A process that calls a function which does not return by itself."""
    started = multiprocessing.get_context("fork").Process(target=undisturbed, args=(function, *arguments), daemon=True)
    started.start()
    try:
        yield
        if not started.is_alive():
            raise RuntimeError(f"the load {function.__name__} ended early: it was none")
    finally:
        started.terminate()
        started.join()


def undisturbed(function, *arguments):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    function(*arguments)


@contextmanager
def command(*words):
    running = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
        if running.poll() is not None:
            raise RuntimeError(f"the load {words[0]} ended early with {running.returncode}: it was none")
    finally:
        running.terminate()
        running.wait()


def api(port, token):
    """Eight clients that ask for state and figures as fast as the answers come."""
    return process(kept_connections, port, request("/api/status?include_stats=true", token), 8, FOR_EVER)


def debug(port, token):
    """Four debuggers that poll without a pause."""
    return process(four_debuggers, port, token)


def four_debuggers(port, token):
    frame = command_frame(read_request([0, 1]))
    sessions = [DebugSession(port, token) for _ in range(4)]
    threads = [threading.Thread(target=session.poll, args=[frame, FOR_EVER]) for session in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def build(port, token, archive):
    """Builds of this upload, one after the other. It should fail at its end, so that the running program stays."""
    return process(builds, port, token, archive)


def builds(port, token, archive):
    client = Api(port, token)
    while True:
        client.upload(archive, clean=True, timeout=600)
        client.follow_build(timeout=FOR_EVER, interval=0.5)


def that_fails_at_its_end(bundle):
    """As long a build as the bundle's, after which nothing has changed."""
    code = bundle.files["c_blocks_code.cpp"] + b"\n#error the end of this build\n"
    return bundle.with_file("c_blocks_code.cpp", code)


def hackbench():
    """The scheduler's own torture: 400 processes that send each other messages."""
    return command("hackbench", "--loops", "100000000")


def stress():
    """Processors, memory, disk and timers."""
    return command("stress-ng", "--quiet", "--cpu", "2", "--vm", "1", "--vm-bytes", "64M", "--io", "1", "--timer", "1")


@contextmanager
def all_at_once(*loads):
    with ExitStack() as stack:
        for load in loads:
            stack.enter_context(load)
        yield
