"""The command line client against a running runtime: what people type, what scripts read."""

import json
import os
import re
import socket
import ssl
import subprocess

import pytest

from harness.runtime import BINARIES, PASSWORD, free_port
from harness.waiting import wait_until

REFUSED, USAGE, UNREACHABLE, NOT_LOGGED_IN, CERTIFICATE_CHANGED = 1, 2, 3, 4, 5


class Shell:
    """A user at a shell, with a home of their own."""

    def __init__(self, home, host):
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(home), "OPENPLC_HOST": host}
        self.state = home / ".local" / "state" / "openplcctl"

    def run(self, *arguments, code=0, password=None, stdin=None):
        environment = {**self.environment, **({"OPENPLC_PASSWORD": password} if password else {})}
        done = subprocess.run(
            [BINARIES / "openplcctl", *map(str, arguments)], env=environment, input=stdin, text=True,
            stdin=None if stdin is not None else subprocess.DEVNULL, capture_output=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def json(self, *arguments):
        return json.loads(self.run(*arguments, "--json").stdout)

    def start(self, *arguments):
        """A command that goes on."""
        return subprocess.Popen(
            [BINARIES / "openplcctl", *arguments], env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip


@pytest.fixture
def shell(tmp_path, runtime):
    return Shell(tmp_path, f"127.0.0.1:{runtime.port}")


@pytest.fixture
def logged_in(shell, api):
    shell.run("login", "--user", "engineer", password=PASSWORD)
    return shell


@pytest.fixture
def blinking(logged_in, api, programs):
    api.deploy(programs.blink.zip())
    return logged_in


def test_a_day_at_the_shell(tmp_path, fresh_runtime, programs):
    shell = Shell(tmp_path, f"127.0.0.1:{fresh_runtime.port}")
    assert "--create" in shell.run("login", "--user", "anna", password="12345678", code=REFUSED).stderr
    first = shell.run("login", "--create", "--user", "anna", "--password-stdin", stdin="correct horse battery\n")
    assert "anna" in first.stdout
    assert shell.json("status")["state"] == "EMPTY"
    program = tmp_path / "program.zip"
    program.write_bytes(programs.blink.zip())
    followed = shell.run("upload", program, "--follow").stdout
    assert "[INFO]" in followed and "running" in followed.splitlines()[-1]
    status = shell.json("status")
    assert status["state"] == "RUNNING" and status["program"]["md5"] == programs.blink.md5
    assert len(status["tasks"]) == 1
    assert "RUNNING" in shell.run("status").stdout
    assert shell.json("stop")["state"] == "STOPPED"
    assert "not running" in shell.run("stop").stdout
    assert shell.json("start")["state"] == "RUNNING"
    assert "already" in shell.run("start").stdout
    assert "running" in shell.run("logs").stdout
    shell.run("logout")
    assert "login" in shell.run("status", code=NOT_LOGGED_IN).stderr


def test_variables_by_name(blinking, programs):
    path = next(variable.name for variable in programs.blink.table if variable.name.endswith("LAMP"))
    listed = blinking.json("vars")
    assert [variable["type"] for variable in listed] == [variable.iec_type for variable in programs.blink.table]
    (lamp,) = blinking.json("vars", "lamp")
    assert lamp["location"] == "%QX0.0" and lamp["value"] in (True, False)
    for name in ("lamp", "%qx0.0", lamp["path"]):
        for value in (True, False):
            blinking.run("force", name, str(value).upper())
            assert blinking.json("vars", "lamp")[0]["value"] is value, path
    blinking.run("release", "lamp")
    wait_until(lambda: blinking.json("vars", "lamp")[0]["value"] is True, "the lamp to blink again", 20)


def test_every_type_is_forced_and_shown(logged_in, api, programs):
    api.deploy(programs.types.zip())
    values = {
        "BOOL": "TRUE", "SINT": "-128", "INT": "-32768", "DINT": "-2147483648", "LINT": "-9223372036854775808",
        "USINT": "255", "UINT": "65535", "UDINT": "4294967295", "ULINT": "18446744073709551615",
        "BYTE": "16#A5", "WORD": "16#BEEF", "DWORD": "16#DEADBEEF", "LWORD": "16#0123456789ABCDEF",
        "REAL": "-1.5", "LREAL": "1e-300", "TIME": "T#1d2h3m4s5ms", "DATE": "D#2026-11-22",
        "TOD": "TOD#23:59:58", "DT": "DT#2026-11-22-14:00:00", "STRING": "'it$'s forced'",
    }  # fmt: skip
    chosen = {}
    for variable in logged_in.json("vars"):
        chosen.setdefault(variable["type"], variable["path"])
    assert set(values) <= set(chosen), "the program has a variable of every type"
    for iec_type, value in values.items():
        path = chosen[iec_type]
        logged_in.run("force", path, value)
        wait_until(
            lambda: value in logged_in.run("vars", path).stdout, f"{path} to be {value}", timeout=5, interval=0.1
        )
        logged_in.run("release", path)


def test_mistakes_are_answered_with_help(blinking):
    assert "LAMP" in blinking.run("force", "lmap", "TRUE", code=REFUSED).stderr
    assert "TRUE or FALSE" in blinking.run("force", "lamp", "5", code=REFUSED).stderr
    blinking.run("force", "lamp", code=USAGE)
    blinking.run("--host", "a b", "status", code=USAGE)
    error = json.loads(blinking.run("force", "nothing", "1", "--json", code=REFUSED).stderr)
    assert error["code"] == REFUSED and "nothing" in error["error"]


def test_a_failed_build_fails_the_command(blinking, tmp_path, programs):
    program = tmp_path / "broken.zip"
    program.write_bytes(programs.broken.zip())
    failed = blinking.run("upload", program, "--follow", code=REFUSED)
    assert "error:" in failed.stdout
    assert blinking.json("status")["state"] == "RUNNING"
    program.write_bytes(b"no zip")
    assert blinking.run("upload", program, "--follow", code=REFUSED).stderr
    blinking.run("upload", tmp_path / "absent.zip", code=REFUSED)


def test_watching_goes_on(blinking):
    for arguments, pattern in [(("watch", "scans"), r"SCANS=(\d+)"), (("status", "--watch"), r"(\d+) scans")]:
        watching = blinking.start(*arguments)
        try:
            seen = [int(re.search(pattern, watching.stdout.readline()).group(1)) for _ in range(3)]
        finally:
            watching.kill()
            watching.communicate()
        assert seen[0] < seen[1] < seen[2], arguments


def test_logs_are_followed(blinking):
    following = blinking.start("logs", "--follow", "--json")
    try:
        last = 0
        blinking.run("stop")
        blinking.run("start")
        while True:
            entry = json.loads(following.stdout.readline())
            assert entry["id"] > last, "each entry once"
            last = entry["id"]
            if "stopped" in entry["message"]:
                break
    finally:
        following.kill()
        following.communicate()


def test_wrong_password_and_ended_session(shell, api):
    assert "Wrong username or password" in shell.run("login", "-u", "engineer", password="wrong", code=REFUSED).stderr
    shell.run("status", code=NOT_LOGGED_IN)
    shell.run("login", "-u", "engineer", password=PASSWORD)
    sessions = shell.state / "sessions.json"
    assert sessions.stat().st_mode & 0o077 == 0
    sessions.write_text(sessions.read_text().replace("eyJ", "eyK"))
    shell.run("status", code=NOT_LOGGED_IN)


def test_a_changed_certificate_is_refused(logged_in, runtime):
    known = logged_in.state / "known_hosts"
    shown = ssl.get_server_certificate(("127.0.0.1", runtime.port))
    digest = __import__("hashlib").sha256(ssl.PEM_cert_to_DER_cert(shown)).hexdigest().upper()
    assert known.read_text().replace(":", "").endswith(f"SHA256{digest}\n")
    known.write_text(f"127.0.0.1:{runtime.port} SHA256:00\n")
    refused = logged_in.run("status", code=CERTIFICATE_CHANGED)
    assert "SHA256:00" in refused.stderr and "--accept-certificate" in refused.stderr
    logged_in.run("status", code=CERTIFICATE_CHANGED)
    logged_in.run("status", "--accept-certificate")
    logged_in.run("status")
    logged_in.run("forget-host")
    logged_in.run("status", code=NOT_LOGGED_IN)


def test_nobody_there(shell, tmp_path):
    nowhere = f"127.0.0.1:{free_port()}"
    assert "Cannot reach" in shell.run("--host", nowhere, "status", code=UNREACHABLE).stderr
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(10)
        port = other.getsockname()[1]
        with subprocess.Popen(
            [BINARIES / "openplcctl", "--host", f"127.0.0.1:{port}", "status"], env=shell.environment,
            stderr=subprocess.PIPE, text=True,
        ) as client:  # fmt: skip
            connection, _ = other.accept()
            connection.sendall(b"SSH-2.0-OpenSSH\r\n")
            connection.close()
            assert "port" in client.communicate(timeout=20)[1]
            assert client.returncode == UNREACHABLE
