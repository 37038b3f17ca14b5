"""An Editor that looks for runtimes, and brings its project back from the device: through the launcher, as users start it."""

import base64
import io
import json
import socket
import subprocess
import zipfile

import pytest

from harness.runtime import BINARIES, Runtime, bring_to_an_end, free_port


@pytest.fixture(scope="module")
def place():
    return ("127.0.0.1", free_port())


@pytest.fixture(scope="module")
def visible(tmp_path_factory, place):
    runtime = Runtime(tmp_path_factory.mktemp("visible") / "data")
    runtime.options = ["--discovery", f"{place[0]}:{place[1]}"]
    yield runtime.start()
    bring_to_an_end(runtime)


def ask(place):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(30)
        client.sendto(b"OPENPLC_DISCOVER_V1", place)
        return json.loads(client.recv(2048))


def test_an_editor_finds_the_port_of_the_api(visible, place):
    answer = ask(place)
    version = visible.api().get("/api/version").json()["version"]
    assert answer == {
        "service": "openplc-runtime", "protocol_version": 1, "runtime_version": version,
        "hostname": socket.gethostname(), "api_port": visible.port,
    }  # fmt: skip


def test_a_restarted_api_answers_again(visible, place):
    visible.kill_process("openplc-api")
    assert ask(place)["api_port"] == visible.port


def test_an_address_in_use_is_explained(visible, place, tmp_path):
    command = [BINARIES / "openplc-launcher", "--data", tmp_path, "--listen", "127.0.0.1:0"]
    ended = subprocess.run(
        [*command, "--discovery", f"{place[0]}:{place[1]}"], capture_output=True, text=True, timeout=30
    )
    assert ended.returncode != 0 and str(place[1]) in ended.stdout + ended.stderr


def test_a_project_comes_back_after_a_restart(visible, place, programs):
    project = io.BytesIO()
    with zipfile.ZipFile(project, "w") as archive:
        archive.writestr("project.json", json.dumps({"meta": "x" * 100_000}))
    api = visible.login()
    details = {"formatVersion": 1, "projectName": "Mill", "editorVersion": "4.3.0", "timestamp": "2026-09-18T12:00:00Z"}
    parts = [
        ("snapshot", "project.zip", "application/zip", project.getvalue()),
        ("snapshot_metadata", None, "application/json", json.dumps(details).encode()),
    ]
    answer = api.upload(programs.blink.zip(), extra=parts)
    assert (answer.status, answer.json()["ProjectSnapshotWarning"]) == (200, "")
    assert api.follow_build().status == "SUCCESS"
    visible.restart()
    api = visible.login()
    info = api.get("/api/project-snapshot/info").json()
    whose = {"uploadedBy": "engineer"}
    assert info == details | whose | {"present": True, "libraries": [], "sizeBytes": len(project.getvalue())}
    fetched = api.get("/api/project-snapshot").json()
    assert base64.b64decode(fetched["contentBase64"]) == project.getvalue()
    assert "project_name" not in ask(place), "everybody on the network can read this"
