"""The fields OPENPLC_* of the journal: all that are documented are there, and no others."""

import re

import pytest

from harness.runtime import PASSWORD, REPOSITORY
from harness.waiting import wait_until

from booted.conftest import cursor

OPERATIONS = REPOSITORY / "docs" / "operations.md"
MANUAL = REPOSITORY / "docs" / "man" / "openplc-runtime.5"


@pytest.fixture(scope="module")
def fields(plant, editor, programs):
    """Those of a day on which everything happens that is worth a field."""
    plant.purge()
    plant.install()
    plant.enable()
    start = cursor(plant.machine)
    api = plant.login()
    assert api.create_user("bernd", PASSWORD).status == 201
    assert api.post("/api/login", {"username": "bernd", "password": "wrong"}).status == 401
    number = api.as_user("bernd", PASSWORD).get("/api/whoami").json()["id"]
    assert api.request("DELETE", f"/api/delete-user/{number}").status == 200
    api.deploy(programs.blink.zip())
    plant.debugger(editor, api, programs.blink).client.disconnect()
    assert api.stop() == "STOP:OK"
    assert api.start() == "START:OK"

    def entries():
        found = plant.machine.journal(f"--after-cursor={start}", "--unit=openplc-*")
        return found if any(entry.get("OPENPLC_COMMAND") == "START" for entry in found) else None

    return {name for entry in wait_until(entries, "the start in the journal") for name in entry if name.startswith("OPENPLC_")}


def test_the_guide_names_each_of_them(fields):
    rows = [line.split("|")[1] for line in OPERATIONS.read_text().splitlines() if line.startswith("| `OPENPLC_")]
    assert {name for row in rows for name in re.findall("OPENPLC_[A-Z]+", row)} == fields


def test_the_manual_names_each_of_them(fields):
    log = MANUAL.read_text().partition(".Ss Log")[2].partition(".Sh FILES")[0]
    items = [line for line in log.splitlines() if line.startswith(".It Ev")]
    assert {name for item in items for name in re.findall("OPENPLC_[A-Z]+", item)} == fields
