"""`openplcctl` against a running runtime, as a person or a script uses it."""

import json
import os
import re
import subprocess

import pytest

from harness.runtime import BINARIES, PASSWORD
from harness.waiting import wait_until


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Where it remembers sessions and certificates."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def command(runtime, home):
    """Runs `openplcctl` with arguments; returns the ended process."""

    def command(*arguments, input="", host=f"127.0.0.1:{runtime.port}", home=home, code=0):
        environment = {"PATH": os.environ["PATH"], "HOME": str(home), "OPENPLC_HOST": host}
        ended = subprocess.run(
            [BINARIES / "openplcctl", *map(str, arguments)],
            input=input, env=environment, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert ended.returncode == code, f"{ended.returncode}\n{ended.stdout}\n{ended.stderr}"
        return ended

    return command


@pytest.fixture(scope="module")
def logged_in(runtime, api, command):
    command("login", "--user", "engineer", "--password-stdin", input=PASSWORD + "\n")


@pytest.fixture(scope="module")
def archive(programs, tmp_path_factory):
    path = tmp_path_factory.mktemp("program") / "program.zip"
    path.write_bytes(programs.types.zip())
    return path


@pytest.fixture(scope="module")
def program(command, logged_in, archive):
    command("upload", archive, "--follow")


def test_without_a_session_it_says_so(runtime, api, command, tmp_path):
    ended = command("status", home=tmp_path, code=4)
    assert "login" in ended.stderr


def test_a_wrong_password(runtime, api, command, tmp_path):
    ended = command("login", "-u", "engineer", "--password-stdin", input="wrong\n", home=tmp_path, code=1)
    assert "password" in ended.stderr.lower()


def test_nobody_at_the_other_end(command, logged_in):
    assert command("status", host="127.0.0.1:1", code=3).stderr


def test_a_wrong_command_line(command):
    command("status", "--frobnicate", code=2)


def test_the_first_user(fresh_runtime, command, tmp_path):
    host = f"127.0.0.1:{fresh_runtime.port}"
    login = ["login", "--create", "--user", "first", "--password-stdin"]
    command(*login, input=PASSWORD + "\n", host=host, home=tmp_path)
    assert json.loads(command("status", "--json", host=host, home=tmp_path).stdout)["state"] == "EMPTY"


def test_upload_follows_the_build(api, command, logged_in, archive):
    ended = command("upload", archive, "--follow", "--clean")
    assert "[INFO]" in ended.stdout + ended.stderr or "Compiled" in ended.stdout + ended.stderr
    assert api.state() == "RUNNING"


def test_a_failed_build_is_an_exit_code(command, logged_in, programs, tmp_path, program):
    path = tmp_path / "program.zip"
    path.write_bytes(programs.broken.zip())
    ended = command("upload", path, "--follow", code=1)
    assert "error:" in ended.stdout + ended.stderr


def test_a_refused_upload_is_an_exit_code(command, logged_in, tmp_path):
    path = tmp_path / "program.zip"
    path.write_bytes(b"no zip")
    assert command("upload", path, code=1).stderr


def test_status_start_and_stop(api, command, program):
    assert json.loads(command("status", "--json").stdout)["state"] == "RUNNING"
    command("stop")
    assert api.state() == "STOPPED"
    command("stop")  # what is wanted is so already
    command("start")
    assert api.state() == "RUNNING"
    assert "RUNNING" in command("status").stdout


def test_logs(command, program):
    assert "is running" in command("logs").stdout
    for line in command("logs", "--json").stdout.splitlines():
        assert {"id", "timestamp", "level", "message"} <= set(json.loads(line))


def test_variables_by_name(command, program):
    text = command("vars").stdout
    assert re.search(r"A_DINT\s+DINT\s+-2000000000", text), text
    assert "A_DINT" in command("vars", "a_dint").stdout
    assert command("vars", "no such variable", code=1).stderr


@pytest.mark.parametrize(
    "name, value, shown",
    [("a_int", "-5", "-5"), ("A_BYTE", "16#7F", "7F"), ("a_real", "1.5", "1.5"), ("a_string", "'abc'", "abc"),
     ("A_BOOL", "FALSE", "FALSE"), ("a_udint", "123456", "123456")],
)  # fmt: skip
def test_force_and_release(command, program, name, value, shown):
    command("force", name, value)
    assert shown in command("vars", name).stdout
    command("release", name)


def test_force_refuses_what_does_not_fit(command, program):
    command("force", "a_sint", "1000", code=1)
    command("force", "a_bool", "perhaps", code=1)
    assert command("force", "nobody", "1", code=1).stderr


def test_watch_shows_changes(runtime, home, program):
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "OPENPLC_HOST": f"127.0.0.1:{runtime.port}"}
    watching = subprocess.Popen(
        [BINARIES / "openplcctl", "watch", "--json", "config0.shared"],
        stdout=subprocess.PIPE, env=environment, text=True,
    )  # fmt: skip
    try:
        lines = [watching.stdout.readline() for _ in range(3)]
        assert len({json.dumps(json.loads(line), sort_keys=True) for line in lines}) == 3, lines
    finally:
        watching.kill()
        watching.wait()


def test_another_certificate_is_refused(fresh_runtime, command, tmp_path):
    """As ssh does: whoever answers with another key is not talked to until somebody says so."""
    host = f"127.0.0.1:{fresh_runtime.port}"
    login = ["login", "--create", "--user", "first", "--password-stdin"]
    command(*login, input=PASSWORD + "\n", host=host, home=tmp_path)
    fresh_runtime.stop()
    for path in [*fresh_runtime.data.rglob("cert*.pem"), *fresh_runtime.data.rglob("key*.pem")]:
        path.unlink()
    fresh_runtime.start()
    ended = command("status", host=host, home=tmp_path, code=5)
    assert "certificate" in ended.stderr.lower()
    command("status", "--accept-certificate", host=host, home=tmp_path)


def test_logout_ends_the_session(command, home, runtime, api, tmp_path):
    command("login", "-u", "engineer", "--password-stdin", input=PASSWORD + "\n", home=tmp_path)
    command("status", home=tmp_path)
    command("logout", home=tmp_path)
    command("status", home=tmp_path, code=4)
    wait_until(lambda: api.get("/api/status").status == 200, "other sessions to go on")
