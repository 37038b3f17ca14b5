"""What survives the end of processes: the program, the commanded state, users, revocations, the cursor of the log."""

import os
import stat
import time

import pytest

from harness.api import PATIENCE
from harness.debug_protocol import Debugger
from harness.runtime import PASSWORD, sleep_until
from harness.waiting import wait_until


@pytest.fixture(scope="module")
def blink(programs):
    return programs.blink


@pytest.fixture(autouse=True)
def running(runtime, api, blink):
    api.deploy(blink.zip())


def runs(runtime, api, editor, bundle):
    wait_until(lambda: api.state() == "RUNNING", lambda: f"the program to run:\n{runtime.log()[-3000:]}")
    wait_until(lambda: api.scan_count() > 0, "a scan")
    session = editor.connect(runtime.url, api.token)
    assert Debugger(session, bundle.variables).md5() == bundle.md5
    session.disconnect()


def stands_still(api):
    """STOPPED is no mere word: nothing is scanned."""
    count = api.scan_count()
    sleep_until(time.monotonic() + 0.2)
    assert api.state() == "STOPPED" and api.scan_count() == count


class TestCore:
    def test_killed_it_comes_back_with_the_program(self, runtime, api, editor, blink):
        victim = runtime.kill_process("openplc-core")
        assert runtime.process("openplc-core").pid != victim.pid
        runs(runtime, api, editor, blink)

    def test_the_api_says_so_while_it_is_gone(self, runtime, api):
        """No 5xx that the Editor would take for a lost connection, no word that makes it log in again."""
        runtime.process("openplc-core").kill()
        for _ in range(20):
            answer = api.get("/api/status")
            assert answer.status == 200 and answer.seconds < PATIENCE, answer
            assert answer.json()["status"]
        wait_until(lambda: api.state() == "RUNNING", "the core to come back")

    def test_stopped_it_stays_stopped(self, runtime, api):
        assert api.stop() == "STOP:OK"
        runtime.kill_process("openplc-core")
        wait_until(lambda: api.state() in ("STOPPED", "RUNNING", "ERROR"), "the core to come back")
        stands_still(api)
        assert api.start() == "START:OK"
        assert api.state() == "RUNNING"

    def test_its_log_goes_on_with_higher_ids(self, runtime, api):
        last = api.logs()[-1]["id"]
        runtime.kill_process("openplc-core")
        wait_until(lambda: api.state() == "RUNNING", "the core to come back")
        fresh = wait_until(lambda: api.logs(last + 1), "entries beyond the cursor")
        assert all(entry["id"] > last for entry in fresh)
        assert [entry["id"] for entry in fresh] == sorted({entry["id"] for entry in fresh})
        assert fresh[-1]["id"] < 2**53


class TestWholeRuntime:
    def test_restarted_it_runs_the_program_again(self, runtime, api, editor, blink):
        runtime.restart()
        runs(runtime, api, editor, blink)

    def test_stopped_it_stays_stopped(self, runtime, api):
        assert api.stop() == "STOP:OK"
        runtime.restart()
        wait_until(lambda: api.state() in ("STOPPED", "RUNNING", "ERROR"), "the core to come back")
        stands_still(api)

    def test_killed_all_at_once_it_runs_the_program_again(self, runtime, api, editor, blink):
        """As a power cut would."""
        runtime.kill()
        runtime.start()
        runs(runtime, api, editor, blink)

    def test_users_and_tokens_survive(self, runtime, api):
        api.create_user("survivor", PASSWORD)
        survivor = api.as_user("survivor", PASSWORD)
        runtime.restart()
        assert survivor.get("/api/whoami").json()["username"] == "survivor"
        assert api.as_user("survivor", PASSWORD)

    def test_revocations_survive(self, runtime, api):
        revoked = api.as_user("engineer", PASSWORD)
        assert revoked.post("/api/logout").status == 200
        runtime.restart()
        assert revoked.get("/api/status").status == 401
        runtime.kill()
        runtime.start()
        assert revoked.get("/api/status").status == 401

    def test_the_certificate_survives(self, runtime):
        import ssl

        before = ssl.get_server_certificate(("127.0.0.1", runtime.port))
        runtime.restart()
        assert ssl.get_server_certificate(("127.0.0.1", runtime.port)) == before

    def test_log_ids_go_on(self, runtime, api):
        last = api.logs()[-1]["id"]
        runtime.restart()
        wait_until(lambda: api.state() == "RUNNING", "the program to run")
        fresh = wait_until(lambda: api.logs(last + 1), "entries beyond the cursor")
        assert all(entry["id"] > last for entry in fresh)

    def test_an_unchanged_upload_is_known_after_a_restart(self, runtime, api, blink):
        runtime.restart()
        build = api.deploy(blink.zip())
        assert not any("gcc" in line for line in build.logs), build.text


def test_only_the_owner_reads_secrets(runtime):
    """Accounts, keys and programs: no file below the folder is open to everybody."""
    for folder, _, files in os.walk(runtime.data):
        for name in files:
            if name in (".env", "restapi.db") or "key" in name.lower():
                path = os.path.join(folder, name)
                assert not os.stat(path).st_mode & (stat.S_IRWXG | stat.S_IRWXO), path


def test_a_second_runtime_in_the_same_folder_is_refused_or_harmless(runtime, api):
    """Started twice by mistake on the same address: the first goes on."""
    import subprocess

    from harness.runtime import BINARIES

    second = subprocess.run(
        [BINARIES / "openplc-launcher", "--data", runtime.data, "--listen", f"127.0.0.1:{runtime.port}"],
        capture_output=True,
        timeout=20,
    )
    assert second.returncode != 0
    assert second.stderr or second.stdout, "and says why"
    assert api.state() == "RUNNING"
