"""What a power cycle of the computer leaves: the PLC does what it was last commanded, without anybody logging in."""

from harness.waiting import wait_until


def state_without_login(plant):
    """What the core says of itself, by `systemctl status`."""
    return plant.status().split()[0].rstrip(":,")


def test_a_running_plc_runs_again_after_a_reboot(plant, api, programs, editor):
    api.deploy(programs.blink.zip())
    plant.machine.reboot()
    wait_until(lambda: state_without_login(plant) == "RUNNING", lambda: f"RUNNING: {plant.status()}")
    assert plant.machine.active("openplc-api.service") == "inactive", "nobody has connected yet"
    # The token of before is still good.
    assert api.state() == "RUNNING"
    wait_until(lambda: api.scan_count() > 10, "scans")
    session = editor.connect(plant.url, api.token)
    session.disconnect()


def test_a_stopped_plc_stays_stopped_after_a_reboot(plant, api, programs):
    api.deploy(programs.blink.zip())
    assert api.stop() == "STOP:OK"
    plant.machine.reboot()
    wait_until(lambda: state_without_login(plant) == "STOPPED", lambda: f"STOPPED: {plant.status()}")
    assert api.state() == "STOPPED"
    assert api.start() == "START:OK"
    wait_until(lambda: api.scan_count() > 0, "scans")
