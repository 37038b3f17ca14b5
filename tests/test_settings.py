"""Settings files under the launcher: DATA/etc, or the folder that --config names."""

import base64
import json

import pytest

from harness.runtime import Runtime, bring_to_an_end


@pytest.fixture
def runtime(tmp_path):
    runtime = Runtime(tmp_path / "data")
    runtime.data.mkdir()
    yield runtime
    bring_to_an_end(runtime)


def write(folder, name, text):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)


def lifetime(token):
    """Seconds from the issue of a token to its end."""
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims["exp"] - claims["iat"]


def test_without_files_everything_has_its_default(runtime):
    api = runtime.start().login()
    assert lifetime(api.token) == 8 * 60 * 60
    assert api.status(stats=True)["runtime"]["settings_problems"] == []


@pytest.mark.parametrize("named", [False, True], ids=["in the data folder", "named"])
def test_files_count(runtime, tmp_path, named):
    folder = tmp_path / "settings" if named else runtime.data / "etc"
    write(folder, "api.toml", 'session-lifetime = "90min"\n')
    write(folder, "core.toml", '[real-time]\npolicy = "other"\nlock-memory = false\n')
    runtime.options = ["--config", folder] if named else []
    api = runtime.start().login()
    assert lifetime(api.token) == 90 * 60
    told = api.status(stats=True)["runtime"]
    assert told["settings_problems"] == []
    assert "SCHED_OTHER" in told["real_time"] and "lock-memory in core.toml" in told["real_time"]


def test_wrong_files_are_told_and_the_plc_runs(runtime, programs):
    folder = runtime.data / "etc"
    write(folder, "api.toml", "max-connections = 1\n")
    write(folder, "compile.toml", 'jobs = "many"\n')
    write(folder, "core.toml", '[real-time]\nprioritiy = 20\npolicy = "fastest"\n')
    api = runtime.start().login()
    build = api.deploy(programs.blink.zip())
    assert any("jobs cannot be" in line for line in build.logs), build
    assert api.state() == "RUNNING"
    core, policy, connections = api.status(stats=True)["runtime"]["settings_problems"]
    unknown = "there is no setting real-time.prioritiy (is real-time.priority meant?)"
    assert core.startswith(f"{folder}/core.toml, line 2: {unknown}")
    assert policy.startswith(f"{folder}/core.toml, line 3: real-time.policy cannot be")
    assert connections.startswith(f"{folder}/api.toml, line 1: max-connections cannot be")
    for problem in (core, policy, connections):
        assert problem in runtime.log()


def test_a_level_of_optimisation_is_used_and_makes_another_program(runtime, programs):
    api = runtime.start().login()
    api.deploy(programs.blink.zip())
    first = api.status(stats=True)["runtime"]["program"]["program"]
    write(runtime.data / "etc", "compile.toml", "[optimisation]\nprogram = 0\n")
    build = api.deploy(programs.blink.zip())
    assert any("Compiled in" in line for line in build.logs), "an unchanged upload that must be built anew"
    assert api.status(stats=True)["runtime"]["program"]["program"] != first
