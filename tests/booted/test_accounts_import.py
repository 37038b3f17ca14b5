"""Who moves from OpenPLC Runtime v4 on the same computer keeps the users: taken over once, at the first start."""

import pytest

from harness.api import Api
from harness.runtime import PASSWORD
from harness.waiting import wait_until

from booted.plant import STATE

UNIT = "openplc-accounts-import.service"
# Secrets, then the table of users.
FILES = (".env", "restapi.db")


@pytest.fixture(scope="module")
def old(plant):
    """Accounts in the format of OpenPLC Runtime v4, which is ours too, as its native installation leaves them: root's alone."""
    plant.purge()
    plant.install()
    plant.enable()
    plant.login()
    content = {name: plant.machine.path(f"{STATE}/api/{name}").read_bytes() for name in FILES}

    def leave(*names):
        plant.purge()
        folder = plant.machine.path(STATE)
        folder.mkdir(mode=0o700, exist_ok=True)
        for name in FILES:
            folder.joinpath(name).unlink(missing_ok=True)
        for name in names:
            folder.joinpath(name).write_bytes(content[name])
            folder.joinpath(name).chmod(0o600)
        plant.install()
        plant.enable()

    yield leave
    for name in FILES:
        plant.machine.path(f"{STATE}/{name}").unlink(missing_ok=True)
    plant.purge()


def test_users_log_in_with_their_passwords(plant, old):
    old(*FILES)
    api = Api(plant.port)
    assert api.users_info().status == 200, "nobody can make himself the first user"
    api.login("engineer", PASSWORD)
    for name in FILES:
        shown = plant.machine.output("stat", "--format=%U %G %a", f"{STATE}/api/{name}")
        assert shown == "openplc-api openplc-api 600", name
        assert plant.machine.output("stat", "--format=%U %a", f"{STATE}/{name}") == "root 600", "the original stays"
    entries = plant.machine.journal(f"--unit={UNIT}", "--boot", f"SYSLOG_IDENTIFIER={UNIT.removesuffix('.service')}")
    assert "Took over the accounts" in entries[-1]["MESSAGE"]


def test_what_became_of_the_accounts_since_is_never_overwritten(plant, old):
    old(*FILES)
    api = plant.login()
    assert api.create_user("anna", PASSWORD).status == 201
    plant.machine.run("systemctl", "restart", UNIT, "openplc-api.socket")
    wait_until(lambda: plant.machine.active("openplc-api.socket") == "active", "the socket")
    plant.machine.run("systemctl", "restart", "openplc-api.service")
    Api(plant.port).login("anna", PASSWORD)
    assert plant.machine.properties(UNIT, "ConditionResult") == {"ConditionResult": "no"}


@pytest.mark.parametrize("alone", FILES)
def test_users_without_their_secrets_are_not_taken_over(plant, old, alone):
    """They could not log in, and nobody else could either."""
    old(alone)
    assert Api(plant.port).users_info().status == 404
    plant.login()


def test_what_takes_them_over_may_do_nothing_else(plant, old):
    names = (
        "User",
        "AmbientCapabilities",
        "CapabilityBoundingSet",
        "PrivateNetwork",
        "NoNewPrivileges",
        "ProtectSystem",
    )
    assert plant.machine.properties(UNIT, *names) == {
        "User": "openplc-api",
        "AmbientCapabilities": "cap_dac_read_search",
        "CapabilityBoundingSet": "cap_dac_read_search",
        "PrivateNetwork": "yes",
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
    }
