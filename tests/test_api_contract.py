"""docs/openapi.yaml against the running server: schemathesis makes the requests and checks the answers."""

import subprocess
import sys
from pathlib import Path

import pytest

from harness.runtime import PASSWORD, REPOSITORY

DOCUMENT = REPOSITORY / "docs" / "openapi.yaml"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance," \
         "response_schema_conformance"  # fmt: skip
# Logging out, changing and deleting users end the token that the other requests need: they have their own run.
ENDS_TOKENS = ["/api/logout", "/api/update-user/{id}", "/api/delete-user/{id}", "/api/password-change/{id}"]


@pytest.fixture(scope="module")
def program(api, programs):
    """Answers of a runtime with a program say more than those of one without."""
    api.deploy(programs.blink.zip())


def conforms(runtime, token, *options, seconds):
    run = subprocess.run(
        [
            Path(sys.executable).parent / "schemathesis", "run", DOCUMENT,
            "--url", runtime.url, "--tls-verify", "false", "--header", f"Authorization: Bearer {token}",
            "--checks", CHECKS, "--max-time", str(seconds), "--phases", "examples,coverage,fuzzing",
            "--request-timeout", "10", "--max-response-time", "5", "--generation-deterministic",
            "--suppress-health-check", "all", "--warnings", "off", "--no-shrink", *options,
        ],
        capture_output=True, text=True, timeout=seconds + 60,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-15000:] + run.stderr[-3000:]


@pytest.mark.timeout(180)
def test_the_document_describes_the_server(runtime, api, program):
    exclusions = [option for path in ENDS_TOKENS for option in ("--exclude-path", path)]
    process = runtime.process("openplc-api")
    conforms(runtime, api.token, *exclusions, "--max-examples", "30", seconds=35)
    assert runtime.process("openplc-api") == process
    assert api.get("/api/whoami").status == 200


@pytest.mark.timeout(120)
def test_also_where_tokens_end(runtime, api, program):
    """Whatever of it logs this user out: the remaining answers are 401, as documented."""
    api.create_user("contract", PASSWORD, role="user")
    token = api.as_user("contract", PASSWORD).token
    inclusions = [option for path in ENDS_TOKENS for option in ("--include-path", path)]
    conforms(runtime, token, *inclusions, "--max-examples", "20", seconds=10)


def test_the_document_names_every_endpoint_of_the_editor(api):
    text = DOCUMENT.read_text()
    for path in ("get-users-info", "create-user", "login", "logout", "whoami", "status", "start-plc", "stop-plc",
                 "runtime-logs", "compilation-status", "upload-file", "serial-ports", "version", "capabilities",
                 "ping"):  # fmt: skip
        assert f"/api/{path}:" in text, path
