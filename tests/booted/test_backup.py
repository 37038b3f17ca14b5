"""Backup and restore, literally as docs/operations.md says."""

import re

from harness.runtime import PASSWORD, REPOSITORY
from harness.waiting import wait_until

COPY = "/root/openplc-backup.tar.gz"


def recipes():
    """The commands of the section, for a system with systemd: to make a backup, and to restore it."""
    section = (REPOSITORY / "docs" / "operations.md").read_text().partition("\n## Backup and restore\n")[2]
    blocks = re.findall(r"```sh\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    # Root needs no sudo, and the base system has none.
    return [re.sub(r"^sudo ", "", block, flags=re.MULTILINE) for block in blocks[:2]]


def follow(plant, recipe):
    plant.machine.run("sh", "-euc", f"cd /root\n{recipe}")


def test_what_was_lost_is_there_again(plant, api, editor, programs):
    backup, restore = recipes()
    api.deploy(programs.blink.zip())
    follow(plant, backup)
    # Everything becomes another: program, state, accounts.
    api.deploy(programs.types.zip())
    assert api.create_user("late", PASSWORD).status == 201
    assert api.stop() == "STOP:OK"
    follow(plant, restore)
    wait_until(lambda: api.state() == "RUNNING", "the program of the copy")
    plant.debugger(editor, api, programs.blink).client.disconnect()
    assert plant.login().state() == "RUNNING"
    assert api.post("/api/login", {"username": "late", "password": PASSWORD}).status == 401
    plant.machine.run("rm", COPY)
