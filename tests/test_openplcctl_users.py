"""`openplcctl users` and `openplcctl project`: what an administrator does without an Editor."""

import json
import os
import subprocess

import pytest

from harness.runtime import BINARIES, PASSWORD


@pytest.fixture
def command(fresh_runtime, tmp_path):
    def command(*arguments, input="", home="admin", code=0):
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(tmp_path / home), "OPENPLC_HOST": f"127.0.0.1:{fresh_runtime.port}",
        }  # fmt: skip
        ended = subprocess.run(
            [BINARIES / "openplcctl", *map(str, arguments)],
            input=input, env=environment, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert ended.returncode == code, f"{ended.returncode}\n{ended.stdout}\n{ended.stderr}"
        return ended

    command("login", "--create", "--user", "anna", "--password-stdin", input=PASSWORD)
    return command


def users(command):
    lines = command("--json", "users", "list").stdout.splitlines()
    return {user["username"]: user["role"] for user in map(json.loads, lines)}


def test_accounts_come_change_and_go(command):
    assert users(command) == {"anna": "admin"}
    command("users", "add", "bert", "--password-stdin", input="first\n")
    command("users", "add", "cleo", "--admin", "--password-stdin", input="first\n")
    assert users(command) == {"anna": "admin", "bert": "user", "cleo": "admin"}
    command("users", "role", "bert", "admin")
    command("users", "role", "cleo", "user")
    assert users(command) == {"anna": "admin", "bert": "admin", "cleo": "user"}
    command("users", "remove", "bert")
    assert users(command) == {"anna": "admin", "cleo": "user"}
    assert "bert" in command("users", "remove", "bert", code=1).stderr
    assert "anna" in command("users", "list").stdout
    # The last administrator stays one.
    command("users", "role", "anna", "user", code=1)


def test_passwords_are_changed_by_their_owner_and_by_administrators(command):
    command("users", "add", "bert", "--password-stdin", input="first\n")
    command("login", "--user", "bert", "--password-stdin", input="first\n", home="bert")
    command("users", "password", "--password-stdin", input="wrong\nsecond\n", home="bert", code=1)
    command("users", "password", "--password-stdin", input="first\nsecond\n", home="bert")
    command("status", home="bert", code=4)
    command("login", "--user", "bert", "--password-stdin", input="first\n", home="bert", code=1)
    command("login", "--user", "bert", "--password-stdin", input="second\n", home="bert")
    # Who is no administrator manages nobody.
    command("users", "add", "dora", "--password-stdin", input="x\n", home="bert", code=1)
    command("users", "password", "bert", "--password-stdin", input="third\n")
    command("login", "--user", "bert", "--password-stdin", input="third\n", home="bert")


def test_a_stored_project_is_saved(command, fresh_runtime, programs, tmp_path):
    assert "No project" in command("project").stdout
    command("project", "--output", tmp_path / "none.zip", code=1)
    assert not (tmp_path / "none.zip").exists()
    api = fresh_runtime.login("anna", PASSWORD)
    parts = [
        ("snapshot", "project.zip", "application/zip", b"PK the sources"),
        ("snapshot_metadata", None, None, b'{"formatVersion": 1, "projectName": "Mill"}'),
    ]
    assert api.upload(programs.blink.zip(), extra=parts).status == 200
    assert api.follow_build().status == "SUCCESS"
    assert "Mill" in command("project").stdout
    command("project", "--output", tmp_path / "mill.zip")
    assert (tmp_path / "mill.zip").read_bytes() == b"PK the sources"
    command("project", "--output", tmp_path / "mill.zip", code=1)
