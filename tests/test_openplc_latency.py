"""openplc-latency as users and scripts see it. What it measures is the computer's affair: nothing here judges that."""

import json
import os
import signal
import subprocess
import time

import pytest

from harness.processes import all_processes
from harness.runtime import BINARIES
from harness.waiting import wait_until

PROGRAM = BINARIES / "openplc-latency"
NOBODY = 65534


def run(*arguments, **options):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=60, **options)


def measured(*arguments):
    """The document, whose verdict and exit code must agree."""
    ended = run("--json", *arguments)
    assert ended.returncode in (0, 1) and ended.stderr == "", ended
    document = json.loads(ended.stdout)
    assert ended.returncode == (document["missed"] > 0)
    assert (document["verdict"] == "unsuitable") == (document["missed"] > 0)
    return document


def test_every_period_is_accounted_for():
    document = measured("--duration", "2s", "--period", "2ms")
    assert document["period_ns"] == 2_000_000
    # The thread is not ended to the millisecond on a busy computer, hence no upper bound.
    assert document["scans"] + document["missed"] >= 999
    latency = document["latency_ns"]
    ordered = [latency[name] for name in ("min", "p50", "p90", "p99", "p99.9", "p99.99", "max")]
    assert ordered[1:] == sorted(ordered[1:]) and ordered[0] <= ordered[-1]
    assert sum(count for _, _, count in document["histogram"]) >= document["scans"]
    assert document["computer"]["cpus"] == os.cpu_count()


def test_people_get_a_histogram_a_verdict_and_advice():
    ended = run("--duration", "1s")
    assert ended.returncode in (0, 1), ended
    for word in ("Wake-up latency of ", "  up to ", "p99.99 ", "For a task of 1 ms: ", "--load"):
        assert word in ended.stdout, word


def test_the_load_ends_with_the_measurement():
    def load(parent):
        return [p for p in all_processes() if p.name == "openplc-latency" and p.parent == parent]

    process = subprocess.Popen([PROGRAM, "--duration", "10m", "--load"], stdout=subprocess.PIPE, text=True)
    wait_until(lambda: load(process.pid), "the load to start")
    busy = load(process.pid)[0]
    process.kill()
    process.communicate()
    # Even the end of which nobody could be told.
    wait_until(lambda: not any(p.pid == busy.pid and p.state != "Z" for p in all_processes()), "the load to end")


def test_ctrl_c_ends_it_early_with_a_report():
    process = subprocess.Popen([PROGRAM, "--duration", "10m", "--json"], stdout=subprocess.PIPE, text=True)
    wait_until(lambda: len(os.listdir(f"/proc/{process.pid}/task")) > 1, "the measurement to start")
    time.sleep(0.1)  # a few scans; none would be no failure
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert process.returncode in (0, 1)
    assert json.loads(output)["scans"] < 600_000


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_somebody_without_rights_is_told_what_is_missing():
    ended = run("--duration", "1s", user=NOBODY, extra_groups=[])
    assert ended.returncode in (0, 1), ended
    for word in ("SCHED_OTHER", "LimitRTPRIO=80", "Memory was not locked"):
        assert word in ended.stdout, word


@pytest.mark.parametrize(
    "wrong", [["--period", "1"], ["--period", "2s"], ["--duration", "0s"], ["--priority", "100"], ["more"]]
)
def test_a_wrong_command_line_is_told_apart(wrong):
    ended = run(*wrong)
    assert ended.returncode == 2 and ended.stderr, ended


def test_a_measurement_that_cannot_be_made_is_told_apart():
    ended = run("--cpu", "1000")
    assert ended.returncode == 3 and "CPU 1000" in ended.stderr, ended
