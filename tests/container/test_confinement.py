"""In the place of the API, inside what the launcher makes for it, what it may never do fails."""

import json

import pytest

from booted.test_confinement import ALLOWED
from harness.runtime import REPOSITORY
from harness.waiting import wait_until

API = "/usr/lib/openplc-runtime/openplc-api"
# Where the places of an installation are in a container.
PLACES = {
    "/var/lib/openplc-runtime": "/run/runtime",
    "/run/openplc-core": "/run/runtime/core",
    "/run/private": "/run/runtime/builds",
    "@FILE_OF_A_BUILD@": "/run/runtime/builds/another/secret.h",
}
# What the launcher cannot take away, by docs/operations.md.
VISIBLE = {"other processes"}


@pytest.fixture
def outcomes(container, programs, tmp_path):
    container.start()
    container.login().deploy(programs.blink.zip())
    container.stop()

    text = (REPOSITORY / "tests" / "booted" / "intruder.py").read_text()
    for there, here in PLACES.items():
        text = text.replace(there, here)
    answer = container.data / "api" / "outcomes.json"
    intruder = tmp_path / "intruder"
    beginning = "#!/usr/bin/python3\nimport sys\nsys.argv[1:] = ['/run/runtime/api/outcomes.json']\n"
    # It stays, as a daemon would.
    intruder.write_text(f"{beginning}{text}\nimport signal\nsignal.pause()\n")
    intruder.chmod(0o755)
    container.options = [f"--volume={intruder}:{API}:ro"]
    container.start_container()
    return json.loads(wait_until(lambda: answer.exists() and answer.read_text(), "the outcomes"))


def test_the_api_may_do_what_is_its_own_and_nothing_else(outcomes):
    allowed = {name for name, outcome in outcomes.items() if outcome == "allowed"}
    assert allowed == ALLOWED["openplc-api"] | VISIBLE, outcomes
    for family in ("IPv4", "IPv6", "netlink", "packets"):
        assert outcomes[family] == "EAFNOSUPPORT"
