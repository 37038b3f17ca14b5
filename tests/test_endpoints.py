"""Answers of single endpoints that Editors depend on: versions, headers, quirks, polite refusals."""

import re
from datetime import datetime
from pathlib import Path

import pytest

REAUTHENTICATION_WORDS = ("unauthorized", "token", "expired")


def test_the_version_lets_editors_upload(api):
    """From 4.1.0 on they ask; 4.3.0 would mean features that are not there."""
    version = type(api)(api.port).get("/api/version").json()["version"]
    assert re.fullmatch(r"v4\.2\.\d+", version)
    capabilities = api.get("/api/capabilities").json()
    assert capabilities["runtimeVersion"] == version
    assert re.fullmatch(r"4\.\d+\.\d+", capabilities["minEditorVersion"])
    assert tuple(map(int, capabilities["minEditorVersion"].split("."))) <= (4, 1, 0)


@pytest.mark.parametrize(
    "method, path",
    [("GET", "/api/get-users-info"), ("GET", "/api/status"), ("GET", "/api/version"), ("GET", "/api/nothing-like-it"),
     ("POST", "/api/login"), ("POST", "/api/upload-file"), ("PATCH", "/api/status"), ("DELETE", "/api/delete-user/99")],
)  # fmt: skip
@pytest.mark.parametrize("authenticated", [True, False], ids=["with token", "without"])
def test_every_answer_names_the_generation(api, method, path, authenticated):
    client = api if authenticated else type(api)(api.port)
    answer = client.request(method, path)
    assert answer.headers.get_all("X-OpenPLC-Runtime-Version") == ["v4"], answer
    assert answer.status < 500


def test_a_ping(api):
    assert api.get("/api/ping").json() == {"status": "PING:OK"}


def test_serial_ports(api):
    body = api.get("/api/serial-ports").json()
    assert not body.get("error")
    assert all({"device", "description"} <= set(port) for port in body["ports"])


class TestNotAvailable:
    """What later work brings is refused politely: no 5xx, no word that makes the Editor log in again."""

    @pytest.mark.parametrize(
        "path", ["/api/project-snapshot", "/api/project-snapshot/info", "/api/switch",
                 "/api/discovery/interfaces", "/api/discovery/ethercat/status", "/api/retain-config",
                 "/api/something-of-the-future"],
    )  # fmt: skip
    def test_gets(self, api, path):
        answer = api.get(path)
        assert answer.status < 500 and answer.status not in (401, 403), answer
        assert not any(word in answer.text.lower() for word in REAUTHENTICATION_WORDS), answer
        answer.json()

    def test_no_project_is_present(self, api):
        assert api.get("/api/project-snapshot/info").json() == {"present": False}

    def test_ethercat_is_not_available(self, api):
        assert api.get("/api/discovery/ethercat/status").json()["available"] is False
        names = sorted(path.name for path in Path("/sys/class/net").iterdir() if (path / "type").read_text().strip() == "1")
        for path in ("/api/discovery/interfaces", "/api/discovery/ethercat/interfaces"):
            answer = api.get(path).json()
            assert answer["status"] == "success" and all(interface["description"] for interface in answer["interfaces"])
            assert [interface["name"] for interface in answer["interfaces"]] == names
        for request in ("scan", "scan-modules", "test", "validate"):
            answer = api.post(f"/api/discovery/ethercat/{request}", {"interface": "eth0"})
            assert answer.status == 404 and answer.json()["status"] == "error" and "EtherCAT" in answer.json()["message"]


class TestLogs:
    @pytest.fixture(scope="class")
    def entries(self, api, programs):
        api.deploy(programs.blink.zip())
        api.stop()
        api.start()
        return api.logs()

    def test_shape(self, entries):
        assert entries
        for entry in entries:
            assert isinstance(entry["id"], int) and 0 <= entry["id"] < 2**53
            assert entry["level"] in ("DEBUG", "INFO", "WARNING", "ERROR")
            assert isinstance(entry["message"], str) and "\n" not in entry["message"]
            assert datetime.fromisoformat(entry["timestamp"]).tzinfo is not None

    def test_from_a_cursor(self, api, entries):
        ids = [entry["id"] for entry in api.logs()]
        middle = ids[len(ids) // 2]
        assert [entry["id"] for entry in api.logs(middle)] == [i for i in ids if i >= middle]
        assert api.logs(ids[-1] + 1) == []

    @pytest.mark.parametrize("cursor", ["-1", "abc", "", "99999999999999999999", "1e3", "0x10"])
    def test_an_odd_cursor_is_no_error_of_the_server(self, api, entries, cursor):
        assert api.get(f"/api/runtime-logs?id={cursor}").status < 500

    def test_by_level(self, api, entries):
        levels = {entry["level"] for entry in api.get("/api/runtime-logs?level=ERROR").json()["runtime-logs"]}
        assert levels <= {"ERROR"}
        assert api.get("/api/runtime-logs?level=WARN").status == 200
