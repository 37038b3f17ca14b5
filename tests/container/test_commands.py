"""The commands of the documents, as they are written, `docker` read as `podman`."""

import re
import shlex

import pytest
import yaml

from container.contained import IMAGE, LIMITS, podman
from harness.api import Api
from harness.runtime import PASSWORD, REPOSITORY
from harness.waiting import wait_until

NAME = "openplc-runtime"


def run_command(text):
    """The arguments of the one `docker run` that starts the runtime."""
    joined = re.sub(r"\\\n\s*(#\s*)?", " ", text)
    (found,) = re.findall(rf"docker (run -d --name {NAME} .*)", joined)
    return shlex.split(found)


def compose_command():
    """What `docker compose up -d` makes of compose.yaml. Its limits are beyond what this computer may grant."""
    service = yaml.safe_load((REPOSITORY / "compose.yaml").read_text())["services"][NAME]
    service.pop("ulimits")
    assert service.pop("build") == "."
    options = {"ports": "publish", "volumes": "volume", "cap_add": "cap-add", "security_opt": "security-opt"}
    arguments = ["run", "-d", "--name", service.pop("container_name"), f"--restart={service.pop('restart')}"]
    image = service.pop("image")
    for key, values in service.items():
        arguments += [f"--{options[key]}={value}" for value in values]
    return [*arguments, image]


# Those of OpenPLC Runtime v4's README: `docker run` with and without real time, and what Compose makes of its file.
V4_IMAGE = "ghcr.io/autonomy-logic/openplc-runtime:latest"
V4 = f"-d --name openplc-runtime -p 8443:8443 {{}} -v openplc-runtime-data:/var/run/runtime {V4_IMAGE}"
V4_COMMANDS = {
    "v4 with real time": "run " + V4.format("--cap-add=SYS_NICE --cap-add=SYS_RESOURCE"),
    "v4": "run " + V4.format(""),
    "v4 by compose": "run " + V4.format("--restart=unless-stopped"),
}

COMMANDS = {
    "operations.md": run_command((REPOSITORY / "docs" / "operations.md").read_text()),
    "Dockerfile": run_command((REPOSITORY / "Dockerfile").read_text()),
    "compose.yaml": compose_command(),
    **{name: shlex.split(text) for name, text in V4_COMMANDS.items()},
}


@pytest.fixture
def clean():
    def remove(*volumes):
        podman("rm", "--force", "--time=10", "--volumes", "--ignore", NAME)
        for volume in volumes:
            podman("volume", "rm", volume)

    remove()
    yield remove
    remove("openplc-runtime-data")


@pytest.mark.parametrize("place", COMMANDS)
def test_the_container_is_made_anew_and_everything_is_there(clean, programs, place):
    command = [*COMMANDS[place][:1], "--health-interval=disable", *LIMITS, *COMMANDS[place][1:]]
    assert command[-1] in (NAME, V4_IMAGE) and f"localhost/{NAME}" == IMAGE
    api = Api(8443)

    def answers():
        try:
            return api.users_info().status
        except OSError:
            return None

    podman(*command)
    assert wait_until(answers, lambda: podman("logs", NAME).stdout) == 404
    assert api.create_user("engineer", PASSWORD).status == 201
    api.login("engineer", PASSWORD)
    api.deploy(programs.blink.zip())
    clean()

    podman(*command)
    assert wait_until(answers, lambda: podman("logs", NAME).stdout) == 200
    wait_until(lambda: api.state() == "RUNNING", lambda: podman("logs", NAME).stdout)
