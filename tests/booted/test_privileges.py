"""What the kernel grants each process: no root, no capability, no way to more, and one port for all of them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.processes import descendants
from harness.waiting import wait_until

from booted.kernel import CAP_SYS_NICE, assert_confined, kernel_says, network


@pytest.fixture
def daemons(plant, api, programs):
    """API and core, with a program loaded."""
    api.deploy(programs.blink.zip())
    return [plant.process("openplc-api"), plant.process("openplc-core")]


def test_before_a_program_is_loaded_only_the_core_may_have_a_capability_and_only_that_for_real_time(plant):
    """It gives it back before it loads anything; so it is the unit that tells what it gets, and the kernel what it may get."""
    plant.purge()
    plant.install()
    plant.enable()
    assert plant.login().state() == "EMPTY"
    for name, granted, bounds in (("openplc-api", "", 0), ("openplc-core", "cap_sys_nice", CAP_SYS_NICE)):
        shown = plant.machine.properties(f"{name}.service", "AmbientCapabilities", "CapabilityBoundingSet")
        assert shown == {"AmbientCapabilities": granted, "CapabilityBoundingSet": granted}, name
        process = plant.process(name)
        assert_confined(process)
        for status in kernel_says(process):
            assert int(status["CapBnd"], 16) & ~bounds == 0, status


def test_no_thread_has_root_or_a_capability_once_a_program_is_loaded(daemons):
    for process in daemons:
        assert_confined(process)


def test_the_interpreter_of_a_python_block_is_confined_as_the_core(plant, api, editor, programs):
    api.deploy(programs.python.zip())
    debugger = plant.debugger(editor, api, programs.python)
    wait_until(lambda: debugger.read("RES0__INSTANCE0.SECOND.SCALED") == 21.0, "the block's result")
    debugger.client.disconnect()
    core = plant.process("openplc-core")
    interpreters = [p for p in descendants(core.pid) if p.name.startswith("python3")]
    assert interpreters
    for process in interpreters:
        assert_confined(process)
        assert network(process) == network(core)


def test_each_daemon_is_a_user_of_its_own(daemons):
    users = {os.stat(f"/proc/{process.pid}").st_uid for process in daemons}
    assert len(users) == len(daemons)


def test_no_process_of_a_build_has_root_or_a_capability(plant, api, slow_to_build):
    assert api.upload(slow_to_build.zip(), clean=True).status == 200
    worker = plant.process("openplc-compile")
    wait_until(lambda: plant.machine.processes("cc1plus"), "the compiler")
    family = [worker, *(p for p in descendants(worker.pid) if p.state != "Z")]
    assert any(process.name == "cc1plus" for process in family), family
    seen = 0
    for process in family:
        try:
            assert_confined(process)
            assert network(process) not in (network(plant.process("openplc-api")), os.readlink("/proc/self/ns/net"))
            seen += 1
        except (FileNotFoundError, ProcessLookupError):
            pass  # one compiler of several has ended meanwhile
    assert seen >= 2, family
    assert api.follow_build().status == "SUCCESS"


def test_nothing_listens_but_what_must(plant, daemons):
    assert plant.machine.listening() == plant.listening


def test_no_daemon_listens_in_a_network_of_its_own(plant, daemons):
    for process in daemons:
        inside = ["nsenter", "--net", "--target", str(process.pid), "ss", "--no-header", "--listening", "--tcp", "--udp"]
        assert subprocess.run(inside, capture_output=True, text=True, check=True).stdout == ""


def test_no_daemon_shares_the_network_of_the_machine(daemons):
    machine = os.readlink("/proc/self/ns/net")
    networks = [network(process) for process in daemons]
    assert machine not in networks
    assert len(set(networks)) == len(networks)


def test_nothing_can_be_reached_from_the_network_of_the_api(plant, daemons):
    """Not even the computer itself, where 8443 listens."""
    attempt = f"import socket; socket.create_connection(('127.0.0.1', {plant.port}), 2)"
    outside = subprocess.run([sys.executable, "-c", attempt])
    assert outside.returncode == 0
    for address in ("127.0.0.1", "192.0.2.1"):
        inside = ["nsenter", "--net", "--target", str(daemons[0].pid), sys.executable, "-c"]
        done = subprocess.run([*inside, attempt.replace("127.0.0.1", address)], capture_output=True, text=True)
        assert done.returncode != 0
        assert re.search("unreachable|refused", done.stderr), done.stderr


@pytest.mark.parametrize("unit", ["openplc-api.service", "openplc-core.service"])
def test_daemons_may_make_unix_sockets_only(plant, unit):
    properties = plant.machine.properties(unit, "RestrictAddressFamilies", "PrivateNetwork", "NoNewPrivileges")
    assert properties == {"RestrictAddressFamilies": "AF_UNIX", "PrivateNetwork": "yes", "NoNewPrivileges": "yes"}


def test_secrets_and_programs_are_their_owners_alone(plant, daemons):
    for part, user in (("api", "openplc-api"), ("core", "openplc-core")):
        folder = plant.machine.path(f"/var/lib/openplc-runtime/{part}")
        assert folder.stat().st_mode & 0o777 == 0o700
        for path in folder.rglob("*"):
            assert path.is_symlink() or path.lstat().st_mode & 0o077 == 0, path
        assert plant.machine.output("stat", "--format=%U", f"/var/lib/openplc-runtime/{part}") == user
