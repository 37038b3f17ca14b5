"""Nothing outside the core stops or delays a scan, and no client stops another: silent connections, killed processes,
failed builds, clients that do not read."""

import base64
import json
import os
import socket
import struct
import time
from contextlib import ExitStack

import pytest

from harness.api import PATIENCE, TLS
from harness.debug_protocol import MD5, Debugger, read_request
from harness.scans import Scans
from harness.waiting import wait_until


@pytest.fixture(scope="module")
def blink(programs):
    return programs.blink


@pytest.fixture(autouse=True)
def scanning(runtime, api, blink, witness):
    """Around each test: the program runs, and not one of its scans is missed."""
    core = runtime.process("openplc-core")
    if api.state() != "RUNNING":
        api.deploy(blink.zip())
    wait_until(lambda: api.scan_count() > 5, "the first scans")
    scans = Scans(api, witness)
    yield scans
    scans.check(runtime.login())
    assert runtime.process("openplc-core") == core


def connected(port):
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def encrypted(port):
    return TLS.wrap_socket(connected(port))


def answers_at_once(api):
    for path in (
        "/api/status?include_stats=true",
        "/api/get-users-info",
        "/api/runtime-logs",
        "/api/compilation-status",
    ):
        answer = api.get(path)
        assert answer.status == 200 and answer.seconds < PATIENCE, answer


class TestIdleConnections:
    @pytest.mark.parametrize("count", [1, 50])
    def test_silent_connections_block_nobody(self, runtime, api, count):
        with ExitStack() as stack:
            for _ in range(count):
                stack.enter_context(connected(runtime.port))
            answers_at_once(api)

    @pytest.mark.parametrize("count", [1, 50])
    def test_silent_encrypted_connections_block_nobody(self, runtime, api, count):
        with ExitStack() as stack:
            for _ in range(count):
                stack.enter_context(encrypted(runtime.port))
            answers_at_once(api)

    def test_half_a_handshake_blocks_nobody(self, runtime, api):
        with connected(runtime.port) as half:
            half.sendall(bytes.fromhex("16030100f8010000f40303"))
            answers_at_once(api)

    def test_no_handshake_at_all_blocks_nobody(self, runtime, api):
        for noise in (b"GET /api/status HTTP/1.1\r\n\r\n", os.urandom(2000), b"\0" * 2000):
            with connected(runtime.port) as plain:
                plain.sendall(noise)
                answers_at_once(api)

    def test_half_a_request_blocks_nobody(self, runtime, api):
        with encrypted(runtime.port) as head, encrypted(runtime.port) as body:
            head.sendall(b"GET /api/status HTTP/1.1\r\nHost: x\r\nAuthor")
            body.sendall(
                f"POST /api/upload-file HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.token}\r\n"
                "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n--b\r\n".encode()
            )
            answers_at_once(api)

    def test_half_an_upload_keeps_nobody_from_uploading(self, runtime, api, blink):
        with encrypted(runtime.port) as slow:
            slow.sendall(
                f"POST /api/upload-file HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.token}\r\n"
                "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n--b\r\n".encode()
            )
            answer = api.upload(b"no zip")
            assert answer.status != 200 and "another" not in answer.text.lower(), answer


class TestClientsThatDoNotRead:
    def test_one_that_asks_for_much_and_reads_nothing(self, runtime, api, editor, blink, scanning):
        """It fills its connection with answers; other sessions and the API go on as if it were not there."""
        stuck = DeafSession(runtime.port, api.token)
        index = blink.variables["SCANS"].index
        core, server = runtime.process("openplc-core"), runtime.process("openplc-api")
        before = server.rss()
        sent = stuck.send_commands(read_request([index] * 256), seconds=3)
        assert sent > 20, sent
        session = editor.connect(runtime.url, api.token)
        for _ in range(20):
            start = time.monotonic()
            assert Debugger(session, blink.variables).md5() == blink.md5
            assert time.monotonic() - start < PATIENCE
        answers_at_once(api)
        session.disconnect()
        assert server.rss() - before < 32 << 20, f"{sent} unread answers cost {(server.rss() - before) >> 20} MiB"
        assert core.rss() < 64 << 20
        stuck.close()

    def test_one_that_sends_requests_and_reads_nothing(self, runtime, api):
        deaf = encrypted(runtime.port)
        deaf.settimeout(0.5)
        request = f"GET /api/runtime-logs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.token}\r\n\r\n".encode()
        try:
            for _ in range(2000):
                deaf.sendall(request)
        except OSError:
            pass  # the server stopped reading or hung up: either is well
        answers_at_once(api)
        deaf.close()


class DeafSession:
    """A debug session over a bare WebSocket that sends and, once connected, never reads."""

    def __init__(self, port, token):
        self.socket = encrypted(port)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        received = b""
        while b'"sid"' not in received:
            received += self.socket.recv(4096)
        self.send_text("40/api/debug," + json.dumps({"token": token}))
        while b'"connected"' not in received:
            received += self.socket.recv(4096)

    def send_text(self, text):
        payload = text.encode()
        mask = os.urandom(4)
        length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + struct.pack(">H", len(payload))
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        self.socket.sendall(b"\x81" + length + mask + masked)

    def send_commands(self, command, seconds):
        """Until the server stops taking them, at most for `seconds`."""
        self.socket.settimeout(0.5)
        sent, deadline = 0, time.monotonic() + seconds
        try:
            while time.monotonic() < deadline:
                self.send_text("42/api/debug," + json.dumps(["debug_command", {"command": command}]))
                sent += 1
        except OSError:
            pass
        return sent

    def close(self):
        self.socket.close()


class TestKilledProcesses:
    def test_the_api(self, runtime, api, scanning):
        """Not one scan is missed (the fixture counts), and a new API answers at once."""
        for _ in range(3):
            victim = runtime.kill_process("openplc-api")
            start = time.monotonic()
            runtime.wait_for_answer()
            assert time.monotonic() - start < PATIENCE
            assert runtime.process("openplc-api").pid != victim.pid
            assert api.state() == "RUNNING", "the old token is still good"

    def test_the_api_with_debug_sessions(self, runtime, api, editor, blink):
        session = editor.connect(runtime.url, api.token)
        session.command(MD5)
        runtime.kill_process("openplc-api")
        wait_until(lambda: session.closed(), "the Editor to notice")
        runtime.wait_for_answer()
        again = editor.connect(runtime.url, api.token)
        assert Debugger(again, blink.variables).md5() == blink.md5
        again.disconnect()

    def test_the_api_during_a_build(self, runtime, api, blink, slow_to_build):
        api.upload(slow_to_build.zip())
        runtime.process("openplc-compile")
        runtime.kill_process("openplc-api")
        runtime.wait_for_answer()
        # The connection is the build: with its client gone the worker and its compilers end.
        wait_until(lambda: not compilers(runtime), lambda: f"the compilers to end: {compilers(runtime)}")
        assert api.state() == "RUNNING"
        assert api.compilation()["status"] != "SUCCESS"
        assert api.upload(b"no zip").status == 400, "the way is free for the next upload"

    def test_the_compile_worker(self, runtime, api, editor, blink, slow_to_build):
        answer = api.upload(slow_to_build.zip())
        assert answer.status == 200, answer
        runtime.kill_process("openplc-compile")
        build = api.follow_build()
        assert build.status == "FAILED"
        assert "[ERROR]" in build.logs[-1] or any("[ERROR]" in line for line in build.logs), build.text
        wait_until(lambda: not compilers(runtime), "the compilers to end with the worker")
        session = editor.connect(runtime.url, api.token)
        assert Debugger(session, blink.variables).md5() == blink.md5
        session.disconnect()

    def test_the_compiler(self, runtime, api, slow_to_build):
        assert api.upload(slow_to_build.zip()).status == 200
        compiler = wait_until(lambda: [p for p in compilers(runtime) if p.name.startswith("cc1")], "a compiler")[0]
        compiler.kill()
        build = api.follow_build()
        assert build.status == "FAILED"
        assert any(line.startswith("[ERROR]") and "kill" in line.lower() for line in build.logs), build.text


def compilers(runtime):
    names = ("openplc-compile", "cc1", "cc1plus", "gcc", "g++", "as", "ld", "collect2", "lto1")
    return [process for process in runtime.processes() if process.name.split("-")[-1] in names
            or process.name in names or process.name.startswith("x86_64-linux-gnu-g")]  # fmt: skip


class TestBuilds:
    def test_a_failed_build_keeps_the_program_scanning(self, api, editor, runtime, blink, programs, scanning):
        assert api.upload(programs.broken.zip()).status == 200
        build = api.follow_build()
        assert build.status == "FAILED"
        assert scanning.check() > 0
        session = editor.connect(runtime.url, api.token)
        assert Debugger(session, blink.variables).md5() == blink.md5
        session.disconnect()

    def test_the_api_answers_while_a_build_goes_on(self, runtime, api, slow_to_build):
        assert api.upload(slow_to_build.zip()).status == 200
        for _ in range(20):
            answers_at_once(api)
        runtime.kill_process("openplc-compile")
        assert api.follow_build().status == "FAILED"
