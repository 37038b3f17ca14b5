"""Modbus on a system that nobody has prepared: a program that configures it brings it to work, and takes it away."""

import os
import random
import socket
import time

import pytest

from harness import modbus
from harness.modbus import WISH, Client, connected, followed
from harness.modbus_devices import Device, tcp
from harness.modbus_plant import device, point
from harness.processes import descendants
from harness.runtime import free_port
from harness.scans import Scans
from harness.waiting import wait_until

from booted.kernel import assert_confined, network, user

SLAVE, MASTER, PORT_UNIT = "openplc-modbus-slave.service", "openplc-modbus-master.service", "openplc-modbus-slave.socket"
# What clients expect, the Editor writes, and only the privileged may open.
PORT = 502
# Each takes systemd two seconds.
KILLS = int(os.environ.get("OPENPLC_TEST_KILLS", "3"))


def plant_at(port=PORT, **more):
    return modbus.plant(interval_ms=20, slave=modbus.slave_file(port), **more)


@pytest.fixture
def served(plant, api):
    api.deploy(plant_at().zip())
    with connected(PORT) as client:
        yield client


def ports(plant):
    """Ports that are open besides the runtime's own."""
    return {port for protocol, port in plant.machine.listening() - plant.listening if protocol == "tcp"}


def opened(plant, *expected):
    wait_until(lambda: ports(plant) == set(expected), lambda: f"ports {expected}: {plant.machine.listening()}")


def works(plant, unit):
    return plant.machine.active(unit) == "active"


def restarts(plant, unit):
    return int(plant.machine.properties(unit, "NRestarts")["NRestarts"])


def test_an_upload_brings_the_slave_and_another_takes_it_away(plant, api, programs, served):
    served.write(WISH, 4711)
    followed(served, 4711)
    opened(plant, PORT)
    api.deploy(programs.blink.zip())
    opened(plant)
    wait_until(lambda: not works(plant, SLAVE) and not works(plant, PORT_UNIT), "the slave's end")


def test_a_stop_of_the_plc_closes_the_port_and_a_start_opens_it(plant, api, served):
    assert api.stop() == "STOP:OK"
    opened(plant)
    assert api.start() == "START:OK"
    with connected(PORT) as client:
        client.write(WISH, 1)
        followed(client, 1)


def test_it_moves_to_another_port_and_back(plant, api, served):
    """No port stays open that no program configures, whoever opened it."""
    other = free_port()
    api.deploy(plant_at(other).zip())
    with connected(other) as client:
        followed(client, client.registers(WISH)[0])
    opened(plant, other)
    api.deploy(plant_at().zip())
    with connected(PORT) as client:
        followed(client, client.registers(WISH)[0])
    opened(plant, PORT)


def test_clients_are_served_at_the_configured_address_only(served):
    with Client(PORT) as here, socket.create_connection(("127.0.0.2", PORT), 30) as elsewhere:
        assert here.registers(WISH)
        assert elsewhere.recv(1) == b"", "it was served"


def test_what_another_program_has_is_told_and_taken_when_it_is_free(plant, api, programs):
    api.deploy(programs.blink.zip())
    opened(plant)
    with socket.create_server(("", PORT)):
        api.deploy(plant_at().zip())
        wait_until(lambda: PORT_UNIT in plant.status(SLAVE), lambda: f"what to do: {plant.status(SLAVE)}")
        assert api.state() == "RUNNING"
    connected(PORT).close()


def test_a_killed_slave_comes_back_and_its_port_was_never_closed(plant, api, served, witness):
    """What was confirmed and taken is there, no client is refused, and no scan is missed."""
    # Connections wait in the queue of the port: one that is answered is that of a slave at work.
    served.registers(WISH)
    before, scans = restarts(plant, SLAVE), Scans(api, witness)
    for number in range(KILLS):
        with Client(PORT) as client:
            client.write(WISH, number)
            followed(client, number)
            time.sleep(random.uniform(0, 0.2))
            plant.machine.main_process(SLAVE).kill()
        with Client(PORT, timeout=60) as client:
            assert client.registers(WISH) == [number]
    assert restarts(plant, SLAVE) == before + KILLS
    scans.check()


def test_it_serves_after_a_reboot_without_anybody_logging_in(plant, served):
    plant.machine.reboot()
    with connected(PORT) as client:
        client.write(WISH, 7)
        followed(client, 7)
    assert plant.machine.active("openplc-api.service") == "inactive"


def test_its_status_tells_clients_and_requests(plant, served):
    served.registers(WISH)
    wait_until(
        lambda: plant.status(SLAVE).startswith("Modbus slave: Clients 1, Read requests "), lambda: plant.status(SLAVE)
    )


@pytest.fixture
def both(plant, api):
    """A master that asks a device, beside the slave."""
    port, remote = free_port(), Device()
    remote.holding_registers[0] = 1234
    with tcp(port, remote):
        master = [device(port, point(3, "0", "%IW0"), point(6, "5", "%QW10"), name="Pump")]
        api.deploy(plant_at(master=master).zip())
        status = "Modbus master: Pump answers; "
        wait_until(lambda: plant.status(MASTER).startswith(status), lambda: plant.status(MASTER))
        with connected(PORT) as client:
            yield client, remote


def test_the_master_reads_and_writes_devices_and_tells_how_they_are(plant, both):
    client, remote = both
    wait_until(lambda: client.registers(0, function=4) == [1234], "the device's value")
    client.write(WISH, 41)
    wait_until(lambda: remote.holding_registers[5] == 42, "the device to follow")


def test_a_killed_master_comes_back(plant, both):
    client, remote = both
    before = restarts(plant, MASTER)
    wait_until(lambda: client.registers(0, function=4) == [1234], "the device's value")
    plant.machine.main_process(MASTER).kill()
    remote.holding_registers[0] = 4321
    wait_until(lambda: client.registers(0, function=4) == [4321], "the new value")
    assert restarts(plant, MASTER) == before + 1


def test_neither_has_a_privilege(plant, both):
    expected = int(plant.machine.output("id", "-u", "openplc-plugin"))
    for unit in (SLAVE, MASTER):
        process = plant.machine.main_process(unit)
        assert_confined(process, bounds=0)
        assert user(process) == expected
        assert network(process) == network(next(p for p in descendants(plant.machine.init) if p.name == "dbus-daemon"))
    sockets = plant.machine.output("ss", "--no-header", "--numeric", "--udp", "--all", "--processes")
    assert "openplc-modbus" not in sockets
