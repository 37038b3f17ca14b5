"""Figures of scans as the Editor shows them: complete, in microseconds, and true."""

import time

import pytest

from harness.programs import heavy_at_first
from harness.runtime import sleep_until
from harness.scans import Scans, check_mean_cycle
from harness.waiting import wait_until

KEYS = ["scan_count", "overruns"] + [
    f"{figure}_{kind}" for figure in ("scan_time", "cycle_time", "cycle_latency") for kind in ("min", "max", "avg")
]


@pytest.fixture
def blink(api, programs):
    api.deploy(programs.blink.zip())
    wait_until(lambda: api.scan_count() > 1, "two scans")
    return programs.blink


def test_flat_and_by_task_in_one_object(api, blink):
    """Editor 4.1 reads the flat keys, later ones the list."""
    stats = api.stats()
    assert set(KEYS) <= set(stats)
    assert len(stats["tasks"]) == 1
    task = stats["tasks"][0]
    assert set(KEYS) | {"name"} <= set(task)
    assert {key: task[key] for key in KEYS} == {key: stats[key] for key in KEYS}


def test_only_when_asked_for(api, blink):
    assert "timing_stats" not in api.status()


def test_ours_are_beside_the_editors(api, blink):
    """Percentiles of every duration, in nanoseconds, under a key that no Editor looks at."""
    status = api.status(stats=True)
    assert set(status) <= {"status", "timing_stats", "runtime"}
    (task,) = status["runtime"]["tasks"]
    assert task["scan_count"] >= 2 and task["interval_ns"] == 20_000_000
    assert task["overruns"] <= task["skipped"] == status["timing_stats"]["overruns"]
    for figure in ("scan_time", "cycle_time", "cycle_latency"):
        spread = task[figure]
        assert spread["min_ns"] / 1000 == status["timing_stats"][f"{figure}_min"]
        percentiles = [spread["percentiles"][f"p{share}_ns"] for share in ("50", "90", "99", "99_9", "99_99")]
        assert percentiles == sorted(percentiles)
        # A percentile is told up to a 64th too high, and never beyond the greatest.
        assert spread["min_ns"] <= percentiles[0] and percentiles[-1] <= spread["max_ns"], spread
        assert spread["min_ns"] <= spread["mean_ns"] <= spread["max_ns"]
        assert "histogram" not in spread


def test_histograms_on_request(api, blink):
    query = "/api/status?include_stats=true&include_histograms=true"
    (task,) = api.get(query).json()["runtime"]["tasks"]
    for figure in ("scan_time", "cycle_time", "cycle_latency"):
        spread = task[figure]
        ends = [(least, greatest) for least, greatest, _ in spread["histogram"]]
        assert ends == sorted(ends) and all(least <= greatest for least, greatest in ends)
        assert ends[0][0] <= spread["min_ns"] <= ends[0][1], spread
        assert ends[-1][0] <= spread["max_ns"] == ends[-1][1], spread
        counted = sum(count for *_, count in spread["histogram"])
        assert spread["count"] - 1 <= counted <= spread["count"], "all but a scan in progress"


def test_a_percentile_tells_how_many_were_longer(api):
    """Ten scans of 30 ms skip one deadline each; then short ones follow until they are nine of ten."""
    api.deploy(heavy_at_first(scans=10, milliseconds=30).zip())
    wait_until(lambda: api.scan_count() >= 150, "150 scans")
    (task,) = api.status(stats=True)["runtime"]["tasks"]
    assert task["overruns"] >= 10 and task["skipped"] >= 10
    percentiles = task["scan_time"]["percentiles"]
    assert percentiles["p50_ns"] < 30_000_000 <= percentiles["p99_ns"], task


def test_figures_are_in_order(api, blink):
    stats = api.stats()
    for figure in ("scan_time", "cycle_time", "cycle_latency"):
        assert 0 <= stats[f"{figure}_min"] <= stats[f"{figure}_avg"] <= stats[f"{figure}_max"], stats


def test_scans_come_at_the_interval(api, blink, witness):
    scans = Scans(api, witness)
    sleep_until(time.monotonic() + 2)
    scans.check()


def test_the_average_cycle_is_the_mean(api, blink):
    wait_until(lambda: api.scan_count() > 100, "a hundred scans")
    stats = check_mean_cycle(api.stats())
    assert stats["cycle_latency_avg"] <= stats["cycle_latency_max"]


def test_the_average_scan_is_the_mean(api, blink, witness):
    """Twenty scans of 5 ms and then short ones: their sum is known, and a mean forgets none of them."""
    scans = Scans(api, witness)
    api.deploy(heavy_at_first(scans=20, milliseconds=5).zip())
    wait_until(lambda: api.scan_count() >= 120, "120 scans")
    stats = api.stats()
    assert stats["scan_time_avg"] * stats["scan_count"] / 1000 >= 100, stats
    scans.check_mean_time(0.001)
    assert stats["scan_time_max"] >= 5000 > stats["scan_time_avg"] > stats["scan_time_min"], stats


def test_a_start_counts_from_nothing(api, blink):
    wait_until(lambda: api.scan_count() > 20, "scans")
    assert api.stop() == "STOP:OK"
    stopped = api.scan_count()
    sleep_until(time.monotonic() + 0.1)
    assert api.scan_count() == stopped, "a stopped program scans"
    assert api.start() == "START:OK"
    assert api.scan_count() < stopped
    wait_until(lambda: api.scan_count() > 0, "a scan after the start")


def test_starting_and_stopping_again_is_said_to_be_so(api, blink):
    assert api.start() == "START:ERROR_ALREADY_RUNNING"
    assert api.stop() == "STOP:OK"
    assert api.state() == "STOPPED"
    assert api.stop() == "STOP:ERROR"
    assert api.start() == "START:OK"
    assert api.state() == "RUNNING"


def test_without_a_program(fresh_runtime):
    api = fresh_runtime.login()
    assert api.state() == "EMPTY"
    stats = api.stats()
    assert not stats or not stats["scan_count"]
    assert api.start() == "START:ERROR"
    assert api.stop() == "STOP:ERROR"
    assert api.state() == "EMPTY"
