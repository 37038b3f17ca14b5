"""What an uploaded program tries against the computer, when it is compiled and when it runs."""

import errno
import os
import re
from pathlib import Path

import pytest

from catalogue import single_task
from harness.programs import bundle
from harness.waiting import wait_until
from matiec.c_block import CBlock
from matiec.model import Variable

# Where a build could leave something, and what others write there meanwhile.
PLACES = ("/tmp", "/var/tmp", "/dev/shm", "/run")
MARK = "/run/mark-of-a-build"
OF_OTHERS = ("/run/systemd/", "/run/log/", "/run/udev/", "/run/utmp", "/run/openplc-core/")
# What is tried, the code that tries it (negative: refused), and how it must be refused.
ATTEMPTS = {
    "TRY_INET": ("socket(AF_INET, SOCK_STREAM, 0)", {errno.EPERM}),
    "TRY_INET6": ("socket(AF_INET6, SOCK_DGRAM, 0)", {errno.EPERM}),
    "TRY_NETLINK": ("socket(AF_NETLINK, SOCK_RAW, 0)", {errno.EPERM}),
    "TRY_PACKET": ("socket(AF_PACKET, SOCK_RAW, 0)", {errno.EPERM}),
    "TRY_UNIX": ("socket(AF_UNIX, SOCK_STREAM, 0)", {errno.EPERM}),
    "TRY_DATAGRAMS": ("socket(AF_UNIX, SOCK_DGRAM, 0)", {errno.EPERM}),
    "TRY_PAIR": ("pair()", {errno.EPERM}),
    "TRY_THREAD": ("in_a_thread()", {errno.EPERM}),
    "TRY_URING": ("syscall(SYS_io_uring_setup, 1, 0)", {errno.EPERM}),
    "TRY_LISTEN": ("listen(any_socket(), 1)", {errno.EPERM}),
    "TRY_NAME": ('reach(any_socket(), "/tmp/name", ::bind)', {errno.EPERM}),
    "TRY_SHADOW": ('open("/etc/shadow", O_RDONLY)', {errno.EACCES}),
    "TRY_SECRETS": ('open("/var/lib/openplc-runtime/api/.env", O_RDONLY)', {errno.EACCES}),
    "TRY_HOME": ('open("/root/secret", O_RDONLY)', {errno.EACCES}),
    "TRY_BUILDS": ('reach(any_socket(), "/run/runtime/compile.socket", ::connect)', {errno.EPERM}),
    "TRY_BUS": ('reach(any_socket(), "/run/dbus/system_bus_socket", ::connect)', {errno.EPERM}),
    "TRY_SYSTEMD": ('reach(any_socket(), "/run/systemd/private", ::connect)', {errno.EPERM}),
    "TRY_OWN_CODE": ('map(own_code("/tmp/mark"), PROT_READ | PROT_EXEC)', {errno.EPERM, errno.EACCES}),
    "TRY_RUN_CODE": ('map(own_code("/run/openplc-core/mark"), PROT_READ | PROT_EXEC)', {errno.EPERM, errno.EACCES}),
    "TRY_SHARED_CODE": ('map(own_code("/dev/shm/mark"), PROT_READ | PROT_EXEC)', {errno.EPERM, errno.EACCES}),
    "TRY_ETC": ('open("/etc/mark", O_WRONLY | O_CREAT, 0600)', {errno.EROFS, errno.EACCES}),
    "TRY_USR": ('open("/usr/lib/openplc-runtime/mark", O_WRONLY | O_CREAT, 0600)', {errno.EROFS, errno.EACCES}),
    "TRY_VAR": ('open("/var/lib/openplc-runtime/mark", O_WRONLY | O_CREAT, 0600)', {errno.EROFS, errno.EACCES}),
    "TRY_RUN": ('open("/run/runtime/mark", O_WRONLY | O_CREAT, 0600)', {errno.EROFS, errno.EACCES}),
    "TRY_SETUID": ("setuid(0)", {errno.EPERM}),
    "TRY_SETGID": ("setgid(0)", {errno.EPERM}),
    "TRY_SUID_FILE": ('chmod(own_file("/tmp/mark"), 04755)', {errno.EPERM}),
    "TRY_NAMESPACE": ("unshare(CLONE_NEWUSER)", {errno.EPERM}),
    "TRY_MOUNT": ('mount("none", "/tmp", "tmpfs", 0, "")', {errno.EPERM}),
    "TRY_WRITABLE_CODE": ("map(-1, PROT_READ | PROT_WRITE | PROT_EXEC)", {errno.EPERM}),
    "TRY_INIT": ("kill(1, SIGTERM)", {errno.EPERM}),
}

SOURCE = """\
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static int outcome(long result) { return result < 0 ? errno : 0; }

static long pair() {
  int ends[2];
  return socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
}

static int in_thread;

static void *open_one(void *) {
  in_thread = outcome(socket(AF_UNIX, SOCK_STREAM, 0));
  return 0;
}

static long in_a_thread() {
  pthread_t thread;
  pthread_create(&thread, 0, open_one, 0);
  pthread_join(thread, 0);
  errno = in_thread;
  return in_thread ? -1 : 0;
}

/* One that this process has, as it gets no other. */
static int any_socket() {
  struct stat status;
  for (int descriptor = 0; descriptor < 1000; descriptor++)
    if (fstat(descriptor, &status) == 0 && S_ISSOCK(status.st_mode)) return descriptor;
  return -1;
}

static long reach(int socket, const char *path, int act(int, const sockaddr *, socklen_t)) {
  struct sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  strcpy(address.sun_path, path);
  return act(socket, (struct sockaddr *)&address, sizeof address);
}

static const char *own_file(const char *path) {
  int file = open(path, O_RDWR | O_CREAT, 0700);
  if (ftruncate(file, 4096) == 0) close(file);
  return path;
}

static int own_code(const char *path) { return open(own_file(path), O_RDONLY); }

static long map(int file, int protection) {
  int flags = MAP_PRIVATE | (file < 0 ? MAP_ANONYMOUS : 0);
  return mmap(0, 4096, protection, flags, file, 0) == MAP_FAILED ? -1 : 0;
}

void setup() {
%s
  own_file("/var/tmp/mark");
  DONE = 1;
}

void loop() {}
"""


@pytest.fixture(scope="module")
def outcomes(plant, api, editor):
    """What each attempt of a running program came to: an error number, or 0 where it was let."""
    plant.machine.path("/root/secret").write_text("secret")
    tries = "\n".join(f"  {name} = outcome({code});" for name, (code, _) in ATTEMPTS.items())
    pins = [Variable(name, "INT", "OUTPUT") for name in [*ATTEMPTS, "DONE"]]
    block = CBlock("INTRUDER", [Variable("NOTHING", "BOOL", "INPUT")], pins, SOURCE % tries)
    made = bundle(
        single_task(
            "intruder", [Variable("BLOCK", "INTRUDER")], "\n  BLOCK(NOTHING := FALSE);\n",
            pous=[block.pou()], c_blocks=[block],
        )
    )  # fmt: skip
    api.deploy(made.zip())
    debugger = plant.debugger(editor, api, made)
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


@pytest.mark.parametrize("path", ["/tmp/mark", "/var/tmp/mark", "/dev/shm/mark"])
def test_what_a_running_program_may_write_is_seen_by_nobody_else(plant, outcomes, path):
    assert Path(f"/proc/{plant.process('openplc-core').pid}/root{path}").exists(), "it was not even written"
    assert plant.machine.run("test", "-e", path, check=False).returncode == 1


def test_shared_memory_is_limited(plant):
    space = os.statvfs(f"/proc/{plant.process('openplc-core').pid}/root/dev/shm")
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert space.f_blocks * space.f_frsize <= 0.26 * memory


@pytest.mark.parametrize("way", ['#include "%s"', 'asm(".incbin \\"%s\\"");', 'asm(".include \\"%s\\"");'])
@pytest.mark.parametrize(
    "path", ["/etc/shadow", "/var/lib/openplc-runtime/api/.env", "/root/secret", "/run/runtime/plc_runtime.socket"]
)
def test_the_compiler_cannot_read_a_secret(plant, api, programs, way, path):
    plant.machine.path("/root/secret").write_text("secret of root\n")
    blink = programs.blink
    code = blink.files["c_blocks_code.cpp"] + f"\n{way % path}\n".encode()
    assert api.upload(blink.with_file("c_blocks_code.cpp", code).zip()).status == 200
    build = api.follow_build()
    assert build.status == "FAILED", build.text
    assert re.search("[Pp]ermission denied|No such|can't open|not found", build.text), build.text
    for secret in ("root:", "secret of root", "PEPPER", "JWT_SECRET"):
        assert secret not in build.text


def test_a_build_leaves_nothing(plant, api, programs):
    plant.machine.run("touch", MARK)
    api.upload(programs.types.zip(), clean=True)
    assert api.follow_build().status == "SUCCESS"

    def left():
        """Files that are newer than the mark, but for those of systemd, and of the core that runs the program."""
        found = plant.machine.output("find", *PLACES, "-newer", MARK, "(", "-type", "f", "-o", "-name", "*compile*", ")")
        return [path for path in found.splitlines() if path != MARK and not path.startswith(OF_OTHERS)]

    wait_until(lambda: not left(), lambda: f"nothing left: {left()}")
