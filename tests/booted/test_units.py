"""The unit files as they are installed. Their exposure is judged in tests/test_packaging.py."""

from harness.runtime import REPOSITORY

UNITS = REPOSITORY / "systemd"


def test_installed_units_verify_without_a_word(plant):
    suffixes = (".service", ".socket", ".path")
    units = [path.name.replace("@.", "@1.") for path in UNITS.iterdir() if path.suffix in suffixes]
    done = plant.machine.run("systemd-analyze", "verify", "--man=no", *units, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
