"""Fixtures of the tests on a booted system. `run` prepares what they need and starts them."""

import pytest

from booted.machine import Machine
from booted.plant import Plant

MACHINES = []


@pytest.fixture(scope="session")
def machine(tmp_path_factory):
    """One machine for all tests; it stays up but for the tests of rebooting."""
    machine = Machine(tmp_path_factory.mktemp("booted"))
    MACHINES.append(machine)
    try:
        yield machine.boot()
        machine.shutdown()
    finally:
        machine.remove()


@pytest.fixture(scope="module")
def plant(machine):
    """The runtime on that machine, installed and enabled, whatever another file left."""
    plant = Plant(machine)
    if not plant.installed():
        plant.install()
    plant.enable()
    return plant


@pytest.fixture(scope="module")
def people(plant):
    """anna is in group openplc, bert is nobody in particular."""
    run = plant.machine.run
    for name, more in (("anna", ["--groups=openplc"]), ("bert", [])):
        if run("id", name, check=False).returncode:
            run("useradd", "--create-home", *more, name)


@pytest.fixture(scope="module")
def api(plant):
    return plant.login()


@pytest.fixture(autouse=True)
def journal_mark(request):
    """Remembers where the journal stood when a test began; a failure prints what came since."""
    machine = next((machine for machine in MACHINES if machine.init), None)
    if machine:
        request.node.journal_cursor = cursor(machine)


def cursor(machine):
    return machine.output("journalctl", "--lines=0", "--show-cursor", "--quiet").removeprefix("-- cursor: ")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    after = getattr(item, "journal_cursor", None)
    if report.failed and after and MACHINES and MACHINES[0].init:
        text = MACHINES[0].run("journalctl", f"--after-cursor={after}", "--no-pager", check=False).stdout
        report.sections.append(("journal", text[-15000:]))
