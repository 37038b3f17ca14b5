"""`docker compose` itself, with compose.yaml as it is, speaking to Podman as it would to Docker."""

import os
import resource
import shutil
import subprocess

import pytest
import yaml

from container.contained import LIMITS, podman
from harness.api import Api
from harness.runtime import PASSWORD, REPOSITORY
from harness.waiting import wait_until

NAME = "openplc-runtime"
VOLUME = "openplc-runtime-data"

if not shutil.which("docker-compose"):
    pytest.skip("docker-compose is not installed: compose.yaml is tried as commands of Podman only", allow_module_level=True)


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """The address of what Compose takes for Docker."""
    path = tmp_path_factory.mktemp("engine") / "socket"
    service = subprocess.Popen(
        ["podman", "system", "service", "--time=0", f"unix://{path}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wait_until(path.exists, "Podman's socket")
    yield f"unix://{path}"
    service.terminate()
    service.wait(30)


@pytest.fixture
def compose(engine, tmp_path):
    """Runs a command of Compose, and cleans up in the end."""
    # What this computer cannot grant; Podman knows no limits by itself here.
    locked = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]
    limits = {"rtprio": 0, "memlock": locked}
    limits |= {limit.split("=")[1]: int(limit.split(":")[-1]) for limit in LIMITS}
    override = tmp_path / "override.yaml"
    override.write_text(yaml.safe_dump({"services": {NAME: {"ulimits": limits}}}))
    files = (f"--file={REPOSITORY / 'compose.yaml'}", f"--file={override}")

    def run(*command):
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "DOCKER_HOST": engine}
        done = subprocess.run(
            ["docker-compose", *files, *command], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    yield run
    run("down")
    podman("volume", "rm", VOLUME)


def answer(api):
    try:
        return api.users_info().status
    except OSError:
        return None


def test_the_container_is_made_anew_and_everything_is_there(compose, programs):
    up = ("up", "-d", "--no-build")
    compose(*up)
    api = Api(8443)
    assert wait_until(lambda: answer(api), lambda: compose("logs")) == 404
    assert api.create_user("engineer", PASSWORD).status == 201
    api.login("engineer", PASSWORD)
    api.deploy(programs.blink.zip())
    first = podman("inspect", "--format={{.Id}}", NAME).stdout
    assert "SCHED_FIFO" in compose("logs")

    compose(*up, "--force-recreate")
    assert podman("inspect", "--format={{.Id}}", NAME).stdout != first
    assert wait_until(lambda: answer(api), lambda: compose("logs")) == 200
    wait_until(lambda: api.state() == "RUNNING", lambda: compose("logs"))

    compose("stop")
    assert podman("inspect", "--format={{.State.ExitCode}}", NAME).stdout.strip() == "0"
    compose("start")
    wait_until(lambda: answer(api), lambda: compose("logs"))
    wait_until(lambda: api.state() == "RUNNING", lambda: compose("logs"))
