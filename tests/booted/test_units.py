"""The unit files by themselves, judged by systemd-analyze."""

import subprocess

import pytest

from harness.runtime import REPOSITORY

UNITS = REPOSITORY / "systemd"
# What remains is explained in the units.
EXPOSURE = {
    "openplc-accounts-import.service": 0.6,
    "openplc-api.service": 0.4,
    "openplc-compile@.service": 0.4,
    "openplc-core.service": 0.9,
}


@pytest.mark.parametrize("unit", EXPOSURE)
def test_exposure_stays_low(unit):
    # The threshold counts in tenths; the exit code tells whether the unit is above it.
    limit = round(EXPOSURE[unit] * 10)
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={limit}", "--no-pager", UNITS / unit]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, "\n".join(line for line in done.stdout.splitlines() if not line.startswith("✓"))


def test_every_service_is_judged():
    assert {path.name for path in UNITS.glob("*.service")} == set(EXPOSURE)


def test_installed_units_verify_without_a_word(plant):
    units = [path.name.replace("@.", "@1.") for path in UNITS.iterdir() if path.suffix in (".service", ".socket")]
    done = plant.machine.run("systemd-analyze", "verify", "--man=no", *units, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
