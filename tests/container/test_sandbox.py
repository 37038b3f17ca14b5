"""What an uploaded program tries against the container, when it is compiled and when it runs.

Where no systemd makes a sandbox the launcher and the worker make one; what they cannot take away is in docs/operations.md.
"""

import errno
import os
import re
import shutil

import pytest

from booted.test_sandbox import ATTEMPTS as ANYWHERE
from booted.test_sandbox import SOURCE
from catalogue import single_task
from harness.debug_protocol import Debugger
from harness.programs import bundle
from harness.waiting import wait_until
from matiec.c_block import CBlock
from matiec.model import Variable

# Nothing here makes a folder in which no code can be had, or looks at the mode of a new file.
IMPOSSIBLE = {"TRY_OWN_CODE", "TRY_RUN_CODE", "TRY_SHARED_CODE", "TRY_SUID_FILE"}
# Not in a container, or in another place.
ELSEWHERE = {"TRY_BUS", "TRY_SECRETS", "TRY_VAR"}
ATTEMPTS = {name: attempt for name, attempt in ANYWHERE.items() if name not in IMPOSSIBLE | ELSEWHERE} | {
    "TRY_SECRETS": ('open("/run/runtime/api/.env", O_RDONLY)', {errno.EACCES}),
    "TRY_VOLUME": ('open("/run/runtime/api/mark", O_WRONLY | O_CREAT, 0600)', {errno.EACCES}),
    "TRY_LOCK": ('open("/run/lock/mark", O_WRONLY | O_CREAT, 0600)', {errno.EACCES}),
    "TRY_RAW": ("socket(AF_INET, SOCK_RAW, 1)", {errno.EPERM}),
    "TRY_CHILD": ("clone_with(CLONE_NEWUSER)", {errno.EPERM}),
    "TRY_API": ("kill(of_the_api(), SIGTERM)", {errno.EPERM}),
}

SERVICES = {"openplc-launcher", "openplc-api", "openplc-core"}

MORE = """
#include <dirent.h>
#include <fcntl.h>
#include <fstream>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>

static long clone_with(long flags) {
  long child = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
  if (child == 0) _exit(0);
  return child;
}

static int of_the_api() {
  DIR *all = opendir("/proc");
  while (dirent *entry = readdir(all)) {
    std::ifstream name(std::string("/proc/") + entry->d_name + "/comm");
    std::string text;
    if (name >> text && text == "openplc-api") return atoi(entry->d_name);
  }
  return -1;
}
"""


@pytest.fixture(scope="module")
def outcomes(runtime, api, editor):
    """What each attempt of a running program came to: an error number, or 0 where it was let."""
    tries = "\n".join(f"  {name} = outcome({code});" for name, (code, _) in ATTEMPTS.items())
    pins = [Variable(name, "INT", "OUTPUT") for name in [*ATTEMPTS, "DONE"]]
    block = CBlock("INTRUDER", [Variable("NOTHING", "BOOL", "INPUT")], pins, MORE + SOURCE % tries)
    made = bundle(
        single_task(
            "intruder", [Variable("BLOCK", "INTRUDER")], "\n  BLOCK(NOTHING := FALSE);\n",
            pous=[block.pou()], c_blocks=[block],
        )
    )  # fmt: skip
    api.deploy(made.zip())
    debugger = Debugger(editor.connect(runtime.url, api.token), made.variables)
    wait_until(lambda: debugger.read("DONE") == 1, "all attempts")
    values = debugger.read_many(ATTEMPTS)
    debugger.client.disconnect()
    assert api.state() == "RUNNING"
    return values


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_a_running_program_is_refused(outcomes, attempt):
    code, refusals = ATTEMPTS[attempt]
    found = outcomes[attempt]
    assert found in refusals, f"{code}: {errno.errorcode.get(found, 'allowed')}"


@pytest.mark.parametrize("way", ['#include "%s"', 'asm(".incbin \\"%s\\"");'])
@pytest.mark.parametrize(
    "path", ["/etc/shadow", "/run/runtime/api/.env", "/run/runtime/core/current", "/proc/1/environ", "/run/runtime/builds"]
)
def test_the_compiler_cannot_read_a_secret(api, programs, way, path):
    blink = programs.blink
    code = blink.files["c_blocks_code.cpp"] + f"\n{way % path}\n".encode()
    assert api.upload(blink.with_file("c_blocks_code.cpp", code).zip()).status == 200
    build = api.follow_build()
    assert build.status == "FAILED", build.text
    assert re.search("[Pp]ermission denied|No such|can't open|not found", build.text), build.text
    for secret in ("root:", "PEPPER", "JWT_SECRET", "PATH="):
        assert secret not in build.text


def test_a_build_sees_no_other_build(runtime, api, programs):
    """All builds run as the same user, so it is landlock that keeps them apart."""
    mark = runtime.data / "builds" / "another" / "secret.h"
    mark.parent.mkdir()
    mark.write_text("#error secret of another build\n")
    for path in (mark.parent, mark):
        os.chown(path, 903, 903)
    blink = programs.blink
    code = blink.files["c_blocks_code.cpp"] + b'\n#include "/run/runtime/builds/another/secret.h"\n'
    api.upload(blink.with_file("c_blocks_code.cpp", code).zip())
    build = api.follow_build()
    shutil.rmtree(mark.parent)
    assert build.status == "FAILED" and "secret of" not in build.text, build.text
    assert re.search("Permission denied|No such file", build.text), build.text


def test_a_build_leaves_nothing(runtime, api, programs):
    def files():
        return set(runtime.inside("sh", "-c", "find /run/runtime/builds /tmp /var/tmp -mindepth 1; true").stdout.split())

    # A program that ran before may have left some, as it may.
    before = files()
    api.upload(programs.types.zip(), clean=True)
    assert api.follow_build().status == "SUCCESS"

    def left():
        return [*(files() - before), *(p for p in runtime.all_inside() if p.name not in SERVICES)]

    wait_until(lambda: not left(), lambda: f"nothing left: {left()}")
