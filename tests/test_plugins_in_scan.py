"""The plugin within the scan: in step with it, chosen by the administrator alone, and to blame for what it does wrong."""

import subprocess
from pathlib import Path

import pytest

from harness.debug_protocol import Debugger
from harness.plugins import Administrator, plugins, wait_logged
from harness.programs import bundle, single_task
from harness.runtime import REPOSITORY, Runtime, bring_to_an_end
from harness.waiting import wait_until
from matiec.model import Variable

INCLUDE = REPOSITORY / "crates" / "openplc-plugin-abi" / "include"

PLANT = bundle(
    single_task(
        "within",
        [
            Variable("FROM_PLUGIN", "UINT", location="%IW10"),
            Variable("TO_PLUGIN", "UINT", location="%QW1"),
            Variable("DIFFERING", "UINT", location="%MW30"),
            Variable("CALLS", "UINT", location="%MW31"),
            Variable("SCANS", "UDINT"),
        ],
        """
  SCANS := SCANS + 1;
  TO_PLUGIN := FROM_PLUGIN;
""",
    )
)


@pytest.fixture(scope="module")
def shared_object(tmp_path_factory):
    path = tmp_path_factory.mktemp("in-scan") / "in_scan.so"
    source = Path(__file__).parent / "plugins" / "in_scan.c"
    options = ["-shared", "-fPIC", "-O1", "-Wall", "-Werror", f"-I{INCLUDE}"]
    subprocess.run(["gcc", *options, source, "-o", path, "-lpthread"], check=True)
    path.chmod(0o755)
    return path


@pytest.fixture
def with_plugin(tmp_path, shared_object):
    """Starts a runtime whose scans execute the plugin, which does what the word says."""
    started = []

    def start(word="", path=shared_object):
        runtime = Runtime(tmp_path / "data")
        folder = Administrator(runtime).folder
        configuration = folder / "in_scan.json"
        configuration.write_text(word)
        (folder / "core.toml").write_text(f'[in-scan-plugin]\npath = "{path}"\nconfiguration = "{configuration}"\n')
        started.append(runtime)
        return runtime.start()

    yield start
    for runtime in started:
        bring_to_an_end(runtime)


def deployed(runtime, program=PLANT):
    api = runtime.login()
    api.deploy(program.zip())
    return api


def test_its_hooks_are_in_step_with_the_scan(with_plugin, editor):
    runtime = with_plugin()
    api = deployed(runtime)
    session = editor.connect(runtime.url, api.token)
    values = Debugger(session, PLANT.variables)
    wait_until(lambda: values.read("CALLS") > 100, lambda: f"scans with the plugin\n{runtime.log()}")
    assert values.read("DIFFERING") == 0, "what it wrote at a scan's beginning was not in its end"
    session.disconnect()
    assert plugins(api)["in_scan"]["state"] == "attached"
    # Only before programs can be loaded may it open sockets.
    wait_logged(api, "in_scan: init, a socket is opened")
    wait_logged(api, "in_scan: begins, a socket is refused")
    assert api.stop() == "STOP:OK"
    wait_logged(api, "in_scan: ends, %QW1 is 0")
    assert plugins(api)["in_scan"]["state"] == "stopped"
    assert api.start() == "START:OK"
    wait_until(lambda: plugins(api)["in_scan"]["state"] == "attached", "it to work again")


def test_no_upload_changes_it(with_plugin):
    runtime = with_plugin()
    api = deployed(runtime, PLANT.with_file("conf/in_scan.json", b'{"enabled": false}'))
    wait_until(lambda: plugins(api)["in_scan"]["state"] == "attached", lambda: f"{plugins(api)}")
    # Nor is what an upload brings its configuration.
    api.deploy(PLANT.with_file("conf/in_scan.json", b'{"crash": true}').zip())
    wait_logged(api, "The program configures plugin in_scan, which this runtime does not have")
    wait_until(lambda: plugins(api)["in_scan"]["state"] == "attached", lambda: f"{plugins(api)}")
    assert api.state() == "RUNNING"


def test_it_may_stop_the_plc(with_plugin):
    runtime = with_plugin("stop")
    api = deployed(runtime)
    wait_until(lambda: api.state() == "STOPPED", lambda: runtime.log())
    wait_logged(api, "in_scan: it is enough")


@pytest.mark.parametrize("word", ["crash", "crash in init", "crash in thread", "hang"])
def test_it_is_to_blame_and_not_the_program(with_plugin, word):
    runtime = with_plugin()
    deployed(runtime)
    # In place of the one before, so that the program has been running for long.
    runtime.stop()
    runtime = with_plugin(word)

    def outcome():
        try:
            return runtime.login().state()
        except (AssertionError, OSError):
            return None

    wait_until(lambda: outcome() == "ERROR", lambda: runtime.log())
    log = runtime.log()
    assert "the plugin within the scan faulted twice within a minute" in log
    assert "the program is not to blame" in log
    assert "ended the scan engine by" not in log.replace("The plugin within the scan ended", "")
    # Without the plugin all is well.
    (runtime.data / "etc" / "core.toml").unlink()
    runtime.kill_process("openplc-core")
    wait_until(lambda: outcome() == "RUNNING", lambda: runtime.log())


@pytest.mark.parametrize("word", ["fail in init", "writable"])
def test_without_it_the_plc_runs_and_says_so(with_plugin, shared_object, tmp_path, word):
    path = shared_object
    if word == "writable":
        path = tmp_path / "writable.so"
        path.write_bytes(shared_object.read_bytes())
        path.chmod(0o777)
    runtime = with_plugin(word, path)
    api = deployed(runtime)
    assert api.state() == "RUNNING"
    plugin = plugins(api)[path.stem]
    assert plugin["state"] == "missing"
    assert ("returned 7" if word != "writable" else "can be written by others") in plugin["last_error"]
