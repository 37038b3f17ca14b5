"""The sockets by which our processes speak with each other: which there are, and who may connect to each."""

import re

import pytest

FOLDER = "/run/runtime"
USERS = ("root", "openplc-api", "openplc-core", "openplc-plugin", "anna", "bert", "nobody")
# For each socket that there may be, the users who are let in. anna is in group openplc.
LET_IN = {
    "plc_runtime.socket": {"root", "openplc-api", "anna"},
    "compile.socket": {"root", "openplc-api", "anna"},
    "image.socket": {"root", "openplc-plugin"},
}
DIAL = "import socket; socket.socket(socket.AF_UNIX).connect('{}')"


@pytest.fixture(scope="module")
def busy(plant, api, programs, people):
    """All processes run, and have what they open for themselves."""
    api.deploy(programs.python.zip())


def test_no_other_socket_is_in_the_folder(plant, busy):
    found = plant.machine.output("find", FOLDER, "-type", "s", "-printf", "%f\\n").split()
    assert set(found) == set(LET_IN)


def test_nothing_of_ours_listens_elsewhere(plant, busy):
    """Nor by a name without a file, which no permission protects."""
    lines = plant.machine.output("ss", "--no-header", "--listening", "--unix", "--processes").splitlines()
    ours = {re.search(r"[/@]\S*", line)[0] for line in lines if '"openplc-' in line}
    assert ours and ours <= {f"{FOLDER}/{name}" for name in LET_IN}


def test_nobody_but_root_may_put_anything_there_and_only_the_group_sees_what_there_is(plant, busy):
    assert plant.machine.output("stat", "--format=%U %G %a", FOLDER) == "root openplc 751"


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("name", LET_IN)
def test_who_may_connect(plant, busy, name, user):
    done = plant.machine.run("python3", "-c", DIAL.format(f"{FOLDER}/{name}"), user=user, check=False)
    if user in LET_IN[name]:
        assert done.returncode == 0, done.stderr
    else:
        assert "Permission denied" in done.stderr, done
