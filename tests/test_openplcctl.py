"""`openplcctl` against a running runtime, as a person or a script uses it."""

import contextlib
import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios

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


@pytest.fixture
def watching(runtime, home):
    """Runs `openplcctl` until the block ends."""

    @contextlib.contextmanager
    def watching(*arguments, stdout=subprocess.PIPE):
        environment = {"PATH": os.environ["PATH"], "HOME": str(home), "OPENPLC_HOST": f"127.0.0.1:{runtime.port}"}
        command = [BINARIES / "openplcctl", *arguments]
        process = subprocess.Popen(command, stdout=stdout, env=environment, text=True)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    return watching


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


def test_status_tells_percentiles(command, program):
    (task,) = json.loads(command("status", "--json").stdout)["tasks"]
    assert task["cycle_latency"]["percentiles"]["p99_9_ns"] <= task["cycle_latency"]["max_ns"]
    assert task["scan_time"]["histogram"], "all that there is"
    text = command("status").stdout
    assert re.search(r"least +p50 +p90 +p99 +p99\.9 +p99\.99 +greatest +mean", text), text
    assert re.search(r"^Wake-up latency( +[\d.]+ (ns|µs|ms|s)){8}$", text, re.MULTILINE), text


def test_status_goes_on_line_by_line_in_a_pipe(command, watching, program):
    with watching("status", "--watch") as process:
        lines = [process.stdout.readline() for _ in range(2)]
    for line in lines:
        assert re.match(r"RUNNING  \S+: \d+ scans, \d+ overruns, \d+ skipped, wake-up latency p50 ", line), line
        assert "\x1b" not in line


@pytest.mark.parametrize("rows, columns", [(50, 80), (8, 40)])
def test_status_draws_histograms_and_leaves_the_terminal_clean(watching, program, rows, columns):
    """What is on the screen after two pictures and ^C: one whole picture, and no mode that was changed."""
    terminal, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    before = termios.tcgetattr(end)
    shown = b""
    with watching("status", "--watch", stdout=end) as process:
        while shown.count(b"\x1b[J") < 2:
            shown += os.read(terminal, 65536)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    assert termios.tcgetattr(end) == before
    os.close(end)
    with contextlib.suppress(OSError):  # which is how a terminal without programs ends
        while rest := os.read(terminal, 65536):
            shown += rest
    os.close(terminal)
    text = shown.decode()
    # Wrapping is switched off for a picture and on again at its end; nothing else is changed.
    modes = re.findall(r"\x1b\[\?(\d+)([hl])", text)
    assert modes == [("7", "l"), ("7", "h")] * (len(modes) // 2)
    assert text.endswith("\x1b[?7h")
    pictures = re.split(r"\x1b\[\d+A\x1b\[J", text)
    for picture in pictures:
        assert picture.count("\n") < rows, "what has scrolled away cannot be replaced"
    if rows == 50:
        assert re.search(r"≤ +\S+ (ns|µs|ms|s) +\d+ +[▏▎▍▌▋▊▉█]", pictures[-1]), pictures[-1]
        bars = [line for line in pictures[-1].splitlines() if "≤" in line]
        assert all(len(line) <= columns for line in bars), bars


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


def test_watch_shows_changes(watching, program):
    with watching("watch", "--json", "config0.shared") as process:
        lines = [process.stdout.readline() for _ in range(3)]
    assert len({json.dumps(json.loads(line), sort_keys=True) for line in lines}) == 3, lines


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
