"""A running program opens no socket, in whatever language and thread, and neither does what it starts."""

import errno

import pytest

from catalogue import single_task
from harness.debug_protocol import Debugger
from harness.programs import bundle
from harness.waiting import wait_until
from matiec.c_block import CBlock
from matiec.model import Variable
from matiec.python_block import python_block

C_ATTEMPTS = {
    "TCP": "socket(AF_INET, SOCK_STREAM, 0)",
    "UDP6": "socket(AF_INET6, SOCK_DGRAM, 0)",
    "STREAM": "socket(AF_UNIX, SOCK_STREAM, 0)",
    "DATAGRAMS": "socket(AF_UNIX, SOCK_DGRAM, 0)",
    "NETLINK": "socket(AF_NETLINK, SOCK_RAW, 0)",
    "PAIR": "pair()",
    "URING": "syscall(SYS_io_uring_setup, 1, 0)",
}
C_CODE = """\
#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int outcome(long result) { return result < 0 ? errno : 0; }

static long pair() {
  int ends[2];
  return socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
}

void setup() {
%s
}

void loop() {
  if (DONE) return;
%s
  DONE = 1;
}
"""
PYTHON_ATTEMPTS = {
    "TCP": "socket.socket()",
    "UDP6": "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)",
    "LOCAL": "socket.socket(socket.AF_UNIX)",
    "PAIR": "socket.socketpair()",
    "CHILD": "in_a_child()",
}
PYTHON_CODE = """
import socket
import subprocess
import sys


def in_a_child():
    attempt = "import socket, sys\\ntry: socket.socket()\\nexcept OSError as error: sys.exit(error.errno)"
    code = subprocess.run([sys.executable, "-c", attempt]).returncode
    if code:
        raise OSError(code, "refused")


def outcome(attempt):
    try:
        attempt()
    except OSError as error:
        return error.errno
    return 0


def block_init():
    pass


def block_loop():
    global DONE, %s
    if not DONE:
%s
        DONE = 1
"""


def outcomes(runtime, api, editor, pins, instance, **block):
    """What each attempt of the program's block came to: an error number, or 0 where it was let."""
    body = f"\n  {instance}(NOTHING := 0);\n"
    made = bundle(single_task("sockets", [Variable(instance, "INTRUDER")], body, **block))
    api.deploy(made.zip())
    debugger = Debugger(editor.connect(runtime.url, api.token), made.variables)
    wait_until(lambda: debugger.read("DONE") == 1, lambda: f"all attempts\n{api.log_text(0)[-2000:]}")
    values = debugger.read_many(pins)
    debugger.client.disconnect()
    return values


def outputs(names):
    return [Variable(name, "INT", "OUTPUT") for name in [*names, "DONE"]]


@pytest.fixture(scope="module")
def of_c(runtime, api, editor):
    """As it is initialised and, on another thread, as it scans."""
    attempts = {f"{place}_{name}": code for place in ("SETUP", "LOOP") for name, code in C_ATTEMPTS.items()}
    lines = {
        place: "\n".join(f"  {name} = outcome({code});" for name, code in attempts.items() if name.startswith(place))
        for place in ("SETUP", "LOOP")
    }
    block = CBlock(
        "INTRUDER", [Variable("NOTHING", "INT", "INPUT")], outputs(attempts), C_CODE % (lines["SETUP"], lines["LOOP"])
    )
    return outcomes(runtime, api, editor, attempts, "BLOCK", pous=[block.pou()], c_blocks=[block])


@pytest.fixture(scope="module")
def of_python(runtime, api, editor):
    lines = "\n".join(f"        {name} = outcome(lambda: {code})" for name, code in PYTHON_ATTEMPTS.items())
    code = PYTHON_CODE % (", ".join(PYTHON_ATTEMPTS), lines)
    block = python_block("INTRUDER", [Variable("NOTHING", "INT", "INPUT")], outputs(PYTHON_ATTEMPTS), code)
    return outcomes(runtime, api, editor, PYTHON_ATTEMPTS, "BLOCK", pous=[block])


@pytest.mark.parametrize("attempt", C_ATTEMPTS)
@pytest.mark.parametrize("place", ["SETUP", "LOOP"])
def test_in_c(of_c, place, attempt):
    assert of_c[f"{place}_{attempt}"] == errno.EPERM, C_ATTEMPTS[attempt]


@pytest.mark.parametrize("attempt", PYTHON_ATTEMPTS)
def test_in_python(of_python, attempt):
    assert of_python[attempt] == errno.EPERM, PYTHON_ATTEMPTS[attempt]


def test_the_runtime_goes_on_without(runtime, api, of_c, of_python):
    """Clients come over the sockets that are there, and the supervisor hears of it: its watchdog would end the core."""
    core = runtime.process("openplc-core")
    count = api.scan_count()
    wait_until(lambda: api.scan_count() > count + 250, "five seconds of scans")
    assert runtime.process("openplc-core") == core
    assert runtime.login().state() == "RUNNING"
