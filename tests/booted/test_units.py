"""The unit files as they are installed, in the eyes of the systemd that runs them. Of all others: tests/test_packaging.py."""

import re

import pytest

from harness.runtime import REPOSITORY
from test_packaging import EXPOSURE

UNITS = REPOSITORY / "systemd"


def verified(machine, *units):
    done = machine.run("systemd-analyze", "verify", "--man=no", *units, check=False)
    return done.returncode, set((done.stdout + done.stderr).splitlines())


def test_installed_units_verify_without_a_word(plant):
    suffixes = (".service", ".socket", ".path")
    units = [path.name.replace("@.", "@1.") for path in UNITS.iterdir() if path.suffix in suffixes]
    code, said = verified(plant.machine, *units)
    # An old one has words for the distribution's own units.
    _, of_the_system = verified(plant.machine, "multi-user.target")
    assert (code, said - of_the_system) == (0, set())


@pytest.mark.parametrize("unit", EXPOSURE)
def test_exposure_as_it_is_loaded(plant, unit):
    shown = plant.machine.output("systemd-analyze", "security", "--no-pager", unit.replace("@.", "@1."))
    level = re.search(r"Overall exposure level for \S+: ([0-9.]+)", shown)[1]
    assert 10 * float(level) <= EXPOSURE[unit], shown
