"""`openplcctl`: values of every type, commands that go on, and what it says when something is wrong."""

import hashlib
import json
import os
import re
import socket
import ssl
import subprocess

import pytest

from harness.runtime import BINARIES, PASSWORD
from harness.strucpp import bundle as strucpp_bundle
from harness.waiting import wait_until
from strucpp_catalogue import BLINK as STRUCPP_BLINK
from strucpp_catalogue import TYPES as STRUCPP_TYPES

REFUSED, USAGE, UNREACHABLE, NOT_LOGGED_IN, CERTIFICATE_CHANGED = 1, 2, 3, 4, 5


class Shell:
    """A user at a shell, with a home of their own."""

    def __init__(self, home, host):
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(home), "OPENPLC_HOST": host}
        self.state = home / ".local" / "state" / "openplcctl"

    def run(self, *arguments, code=0, password=None):
        environment = {**self.environment, **({"OPENPLC_PASSWORD": password} if password else {})}
        done = subprocess.run(
            [BINARIES / "openplcctl", *arguments], env=environment, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=60,
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


def test_every_type_is_forced_and_shown(logged_in, api, programs):
    api.deploy(programs.types.zip())
    values = {
        "BOOL": "TRUE", "SINT": "-128", "INT": "-32768", "DINT": "-2147483648", "LINT": "-9223372036854775808",
        "USINT": "255", "UINT": "65535", "UDINT": "4294967295", "ULINT": "18446744073709551615",
        "BYTE": "16#A5", "WORD": "16#BEEF", "DWORD": "16#DEADBEEF", "LWORD": "16#0123456789ABCDEF",
        "REAL": "-1.5", "LREAL": "1e-300", "TIME": "T#1d2h3m4s5ms", "DATE": "D#2026-11-22",
        "TOD": "TOD#23:59:58", "DT": "DT#2026-11-22-14:00:00", "STRING": "'it$'s forced'",
    }  # fmt: skip
    chosen = {variable["type"]: variable["path"] for variable in reversed(logged_in.json("vars"))}
    assert set(values) <= set(chosen), "the program has a variable of every type"
    for iec_type, value in values.items():
        path = chosen[iec_type]
        logged_in.run("force", path, value)
        wait_until(lambda: value in logged_in.run("vars", path).stdout, f"{path} to be {value}", interval=0.1)
        logged_in.run("release", path)


def test_a_variable_is_found_by_its_place_and_blinks_again_when_released(blinking):
    for name in ("lamp", "%qx0.0", "instance0.lamp"):
        for value in (True, False):
            blinking.run("force", name, str(value).upper())
            assert blinking.json("vars", "lamp")[0]["value"] is value
    blinking.run("release", "lamp")
    wait_until(lambda: blinking.json("vars", "lamp")[0]["value"] is True, "the lamp to blink again")


def test_mistakes_are_answered_with_help(blinking):
    assert "LAMP" in blinking.run("force", "lmap", "TRUE", code=REFUSED).stderr
    assert "TRUE or FALSE" in blinking.run("force", "lamp", "5", code=REFUSED).stderr
    blinking.run("force", "lamp", code=USAGE)
    blinking.run("--host", "a b", "status", code=USAGE)
    error = json.loads(blinking.run("force", "nothing", "1", "--json", code=REFUSED).stderr)
    assert error["code"] == REFUSED and "nothing" in error["error"]


@pytest.mark.parametrize(
    "arguments, pattern", [(("watch", "scans"), r"SCANS=(\d+)"), (("status", "--watch"), r"(\d+) scans")]
)
def test_watching_goes_on(blinking, arguments, pattern):
    watching = blinking.start(*arguments)
    try:
        seen = [int(re.search(pattern, watching.stdout.readline()).group(1)) for _ in range(3)]
    finally:
        watching.kill()
        watching.communicate()
    assert seen[0] < seen[1] < seen[2]


def test_logs_are_followed(blinking):
    following = blinking.start("logs", "--follow", "--json")
    try:
        following.stdout.readline()
        blinking.run("stop")
        blinking.run("start")
        last = 0
        while True:
            entry = json.loads(following.stdout.readline())
            assert entry["id"] > last, "each entry once"
            last = entry["id"]
            if "stopped" in entry["message"]:
                break
    finally:
        following.kill()
        following.communicate()


def test_sessions_are_private_and_their_end_is_noticed(logged_in):
    sessions = logged_in.state / "sessions.json"
    assert sessions.stat().st_mode & 0o077 == 0
    sessions.write_text(sessions.read_text().replace('"token": "', '"token": "x'))
    assert "login" in logged_in.run("status", code=NOT_LOGGED_IN).stderr


def test_the_remembered_certificate_is_the_one_that_is_shown(logged_in, runtime):
    known = logged_in.state / "known_hosts"
    certificate = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", runtime.port)))
    digest = hashlib.sha256(certificate).hexdigest().upper()
    assert known.read_text().replace(":", "").endswith(f"SHA256{digest}\n")
    known.write_text(f"127.0.0.1:{runtime.port} SHA256:00\n")
    refused = logged_in.run("status", code=CERTIFICATE_CHANGED).stderr
    assert "SHA256:00" in refused and "--accept-certificate" in refused
    logged_in.run("status", code=CERTIFICATE_CHANGED)
    logged_in.run("status", "--accept-certificate")
    logged_in.run("status")
    logged_in.run("forget-host")
    logged_in.run("status", code=NOT_LOGGED_IN)


def test_something_else_on_the_port(shell):
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(10)
        with shell.start("--host", f"127.0.0.1:{other.getsockname()[1]}", "status") as client:
            connection, _ = other.accept()
            connection.sendall(b"SSH-2.0-OpenSSH\r\n")
            connection.close()
            assert "port" in client.communicate(timeout=20)[0]
            assert client.returncode == UNREACHABLE


class TestTodaysPrograms:
    """Programs of Editor 4.2 and later have another debugger; a user does not notice."""

    @pytest.fixture
    def types(self, logged_in, api):
        api.deploy(strucpp_bundle(STRUCPP_TYPES).zip())
        return logged_in

    def test_values_are_shown_and_forced(self, types):
        cases = {
            "V_INT": ("-5", -5), "V_LWORD": ("16#FF", 255), "V_REAL": ("1.5", 1.5), "V_TIME": ("T#1s500ms", "T#1s500ms"),
            "V_STRING": ("'text'", "text"), "V_WSTRING": ('"größer"', "größer"), "MANY[7]": ("7", 7),
        }  # fmt: skip
        for name, (literal, value) in cases.items():
            types.run("force", name, literal)
            shown = {variable["path"]: variable["value"] for variable in types.json("vars", name)}
            assert shown[f"INSTANCE0.{name}"] == value
            types.run("release", name)
        assert len(types.json("vars")) == 21 + 1200
        types.run("force", "V_INT", "40000", code=REFUSED)

    def test_constants_cannot_be_forced(self, logged_in, api):
        api.deploy(strucpp_bundle(STRUCPP_BLINK).zip())
        assert "only be read" in logged_in.run("force", "LIMIT", "1", code=REFUSED).stderr
