"""What Prometheus is told, read as it reads it."""

import base64
import os
import shutil
import signal
import subprocess

import pytest
from prometheus_client.parser import text_string_to_metric_families

from harness.programs import heavy_at_first
from harness.runtime import PASSWORD
from harness.waiting import wait_until

DURATIONS = ("wakeup_latency", "scan_time", "cycle_time")


def scrape(api, **options):
    """All samples: {name: {labels: value}}. The parser refuses what is not in the format."""
    answer = api.get("/metrics", **options)
    assert answer.status == 200, answer
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    samples = {}
    for family in text_string_to_metric_families(answer.text):
        assert family.type in ("counter", "gauge", "histogram"), family
        assert family.documentation and family.samples, family
        for sample in family.samples:
            assert sample.name.startswith("openplc_"), sample
            labels = tuple(sorted(sample.labels.items()))
            assert labels not in samples.setdefault(sample.name, {}), f"{sample} is there twice"
            samples[sample.name][labels] = sample.value
    return samples


def task(samples, name):
    (value,) = samples[f"openplc_task_{name}"].values()
    return value


@pytest.fixture
def blink(api, programs):
    api.deploy(programs.blink.zip())
    wait_until(lambda: api.scan_count() > 2, "three scans")


def test_promtool_has_nothing_to_say(api, blink):
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    text = api.get("/metrics").body
    ended = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, timeout=30)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")


def test_the_state_is_one_of_all(api, blink):
    samples = scrape(api)
    state = {dict(labels)["state"]: value for labels, value in samples["openplc_plc_state"].items()}
    assert state.pop("RUNNING") == 1 and not any(state.values()), state
    assert set(state) == {"INIT", "STOPPED", "ERROR", "EMPTY", "TRANSITIONING"}
    assert api.stop() == "STOP:OK"
    assert scrape(api)["openplc_plc_state"][(("state", "STOPPED"),)] == 1


def test_histograms_are_whole(api, blink):
    samples = scrape(api)
    scans = task(samples, "scans_total")
    for duration in DURATIONS:
        buckets = samples[f"openplc_task_{duration}_seconds_bucket"]
        by_end = sorted((float(dict(labels)["le"]), count) for labels, count in buckets.items())
        counts = [count for _, count in by_end]
        assert counts == sorted(counts) and by_end[-1][0] == float("inf"), by_end
        count, total = task(samples, f"{duration}_seconds_count"), task(samples, f"{duration}_seconds_sum")
        assert counts[-1] == count
        skipped = task(samples, "skipped_scans_total")
        assert scans - 2 <= count <= scans + skipped, "a cycle needs two scans; the scan in progress may be missing"
        assert 0 < total <= task(samples, f"{duration}_max_seconds") * (count + 1)
    assert task(samples, "interval_seconds") == 0.02


def test_counters_only_grow(api, blink):
    before = scrape(api)
    wait_until(lambda: api.scan_count() > task(before, "scans_total"), "a scan")
    after = scrape(api)
    for name, values in before.items():
        if name.endswith(("_total", "_bucket", "_count", "_sum")):
            for labels, value in values.items():
                assert after[name][labels] >= value, (name, labels)
    assert task(after, "scans_total") > task(before, "scans_total")


def test_overruns_and_what_they_cost(api):
    """Five scans of two and a half intervals skip two deadlines each; a stall of the machine could add to that."""
    api.deploy(heavy_at_first(scans=5, milliseconds=50).zip())
    wait_until(lambda: api.scan_count() > 20, "scans after the long ones")
    samples = scrape(api)
    assert task(samples, "overruns_total") >= 5
    assert task(samples, "skipped_scans_total") >= 10
    assert task(samples, "scan_time_max_seconds") >= 0.05
    below = samples["openplc_task_scan_time_seconds_bucket"]
    short = next(count for labels, count in below.items() if dict(labels)["le"] == "0.02")
    assert task(samples, "scan_time_seconds_count") - short >= 5


def test_name_and_password_will_do(runtime, api):
    def basic(credentials):
        return {"Authorization": "Basic " + base64.b64encode(credentials.encode()).decode()}

    stranger = runtime.api()
    assert stranger.get("/metrics").status == 401
    for _ in range(2):
        assert "openplc_core_up" in scrape(stranger, headers=basic(f"engineer:{PASSWORD}"))
    answer = stranger.get("/metrics", headers=basic("engineer:wrong"))
    assert answer.status == 401 and "Basic" in answer.headers["WWW-Authenticate"]
    assert b"openplc_" not in answer.body


def test_a_scan_engine_that_does_not_answer_is_down(fresh_runtime):
    api = fresh_runtime.login()
    assert scrape(api)["openplc_core_up"] == {(): 1}
    core = fresh_runtime.process("openplc-core")
    os.kill(core.pid, signal.SIGSTOP)
    try:
        samples = scrape(api, timeout=10)  # as long as Prometheus waits by default
    finally:
        os.kill(core.pid, signal.SIGCONT)
    assert samples["openplc_core_up"] == {(): 0}
    assert "openplc_plc_state" not in samples and "openplc_build_info" in samples
