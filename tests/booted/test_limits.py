"""What the units allow each process of memory and real time, as the kernel has it."""

import re
from pathlib import Path

import pytest

from harness import modbus
from harness.modbus import connected
from harness.runtime import free_port

# Locked memory in bytes and real-time priority.
UNLIMITED = "unlimited"
LIMITS = {
    "openplc-core.service": {"Max locked memory": UNLIMITED, "Max realtime priority": "90", "Max core file size": "0"},
    "openplc-api.service": {"Max realtime priority": "0", "Max core file size": "0"},
    "openplc-modbus-slave.service": {"Max realtime priority": "0", "Max core file size": "0"},
}
MEMORY = {"openplc-api.service": 512 << 20, "openplc-modbus-slave.service": 64 << 20}


CAP_SYS_RESOURCE = 1 << 24


def limits(pid):
    """Hard limits by their names in /proc."""
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()[1:]
    return {line[:25].strip(): line[47:68].strip() for line in lines}


def may_raise(pid):
    """Whether this process may give others more than it has itself."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"CapEff:\s*(\w+)", status)[1], 16) & CAP_SYS_RESOURCE


@pytest.fixture(scope="module")
def busy(plant, api):
    port = free_port()
    api.deploy(modbus.plant(slave=modbus.slave_file(port)).zip())
    with connected(port):
        yield plant.machine


@pytest.mark.parametrize("unit", LIMITS)
def test_limits_of_the_process(busy, unit):
    found, of_systemd = limits(busy.main_process(unit).pid), limits(busy.init)
    for name, expected in LIMITS[unit].items():
        if expected != "0" and not may_raise(busy.init):
            # As far as systemd itself goes, which here has no privilege to go further.
            expected = of_systemd[name]
        assert found[name] == expected, name


def test_real_time_and_locked_memory_are_for_the_scan_engine_alone(busy):
    allowed = {unit: busy.properties(unit, "LimitRTPRIO", "LimitMEMLOCK") for unit in LIMITS}
    assert allowed.pop("openplc-core.service") == {"LimitRTPRIO": "90", "LimitMEMLOCK": "infinity"}
    for unit, others in allowed.items():
        assert others["LimitRTPRIO"] == "0" and others["LimitMEMLOCK"] != "infinity", (unit, others)


@pytest.mark.parametrize("unit", MEMORY)
def test_memory_of_the_control_group(busy, unit):
    """In a container the controller may be missing."""
    assert int(busy.properties(unit, "MemoryMax")["MemoryMax"]) == MEMORY[unit]
    found = busy.memory_limit(unit)
    if found is None:
        pytest.skip("this system has no memory controller in a container")
    assert found == MEMORY[unit]
