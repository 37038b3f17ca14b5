"""What the kernel grants each process of the container: one root process, and no capability but for real time."""

import os
from pathlib import Path

import pytest

from harness.waiting import wait_until

CAPABILITY_SETS = ("CapInh", "CapPrm", "CapEff", "CapAmb")
CAP_SYS_NICE = 1 << 23
NOBODY = 65534


def threads(process):
    """Each thread's /proc status as a dictionary."""
    for task in Path(f"/proc/{process.pid}/task").iterdir():
        yield dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines() if ":\t" in line)


def assert_confined(process, capabilities=0, attainable=CAP_SYS_NICE):
    for status in threads(process):
        assert "0" not in status["Uid"].split() + status["Gid"].split(), f"{process} is root: {status}"
        assert "0" not in status["Groups"].split(), f"{process} is in root's group: {status}"
        for name in CAPABILITY_SETS:
            assert int(status[name], 16) & ~capabilities == 0, f"{process} has {name} {status[name]}"
        assert int(status["CapBnd"], 16) & ~attainable == 0, f"{process} may get capabilities: {status['CapBnd']}"
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2"), status


def others(container):
    return [process for process in container.all_inside() if process.pid != container.init]


def test_before_a_program_is_loaded_the_core_alone_has_a_capability(container):
    container.start()
    assert {process.name for process in others(container)} == {"openplc-api", "openplc-core"}
    assert_confined(container.process("openplc-api"))
    assert_confined(container.process("openplc-core"), CAP_SYS_NICE)


@pytest.mark.parametrize("granted", [(), ("--cap-add=SYS_NICE",)], ids=["without", "with SYS_NICE"])
def test_it_scans_and_says_what_it_got(container, programs, granted):
    container.capabilities = granted
    container.start()
    api = container.login()
    api.deploy(programs.python.zip())
    said = api.get("/api/status?include_stats=true").json()
    for process in others(container):
        assert_confined(process)
    wait_until(lambda: api.scan_count() > 10, "scans")
    if granted:
        assert "SCHED_FIFO" in said["runtime"]["real_time"], said
        assert "--cap-add" not in container.log()
    else:
        assert "--cap-add" in said["runtime"]["real_time"], said
        assert "--cap-add" in container.log() and "ordinary priority" in container.log()


def test_each_service_is_a_user_of_its_own(runtime, api, programs):
    api.deploy(programs.blink.zip())
    users = {process.name: os.stat(f"/proc/{process.pid}").st_uid for process in others(runtime)}
    assert users == {"openplc-api": 901, "openplc-core": 902}


def test_no_process_of_a_build_has_a_capability(runtime, api, lasting_build):
    assert api.upload(lasting_build.zip(), clean=True).status == 200
    wait_until(lambda: any(process.name == "cc1plus" for process in others(runtime)), "the compiler")
    seen = set()
    for process in others(runtime):
        try:
            user = os.stat(f"/proc/{process.pid}").st_uid
            if user == 903:
                assert_confined(process)
                seen.add(process.name)
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
    assert {"openplc-compile", "cc1plus"} <= seen
    assert api.follow_build().status == "SUCCESS"


def test_nothing_listens_but_the_api(runtime):
    assert runtime.listening() == {("tcp", 8443), ("udp", 33333)}


def test_no_secret_is_open_to_another_service(runtime, api, programs):
    """Each service's folder is its user's alone, and the launcher's folder lets its services pass and nobody else."""
    api.deploy(programs.blink.zip())
    expected = {"api": (901, 0o700), "core": (902, 0o700)}
    for name, (user, mode) in expected.items():
        found = (runtime.data / name).stat()
        assert (found.st_uid, found.st_mode & 0o7777) == (user, mode), name
    for user in ("openplc-core", "openplc-compile", str(NOBODY)):
        refused = runtime.inside("cat", "/run/runtime/api/.env", user=user, check=False)
        assert refused.returncode != 0 and "Permission denied" in refused.stderr, refused


def test_only_the_api_can_ask_for_a_build(runtime):
    dial = "import socket; socket.socket(socket.AF_UNIX).connect('/run/runtime/compile.socket')"
    for user, allowed in (("openplc-api", True), ("openplc-core", False), (str(NOBODY), False)):
        done = runtime.inside("python3", "-c", dial, user=user, check=False)
        assert (done.returncode == 0) == allowed, (user, done.stderr)
