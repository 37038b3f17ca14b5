"""The REST API as an Editor calls it: HTTPS with an unverified certificate, bodies as the Editor composes them."""

import http.client
import json
import ssl
import time
from dataclasses import dataclass, field

BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
TERMINAL = ("SUCCESS", "FAILED")
# Seconds that the Editor waits for an answer. Also what a test means by "at once": far more than any stall of the machine,
# and less than any timeout of the runtime that would end a blockade.
PATIENCE = 5.0


def unverified():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


TLS = unverified()


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage  # names in any case
    body: bytes
    seconds: float

    def json(self):
        return json.loads(self.body)

    @property
    def text(self):
        return self.body.decode(errors="replace")

    def __repr__(self):
        return f"{self.status} {self.text[:300]!r} after {self.seconds * 1000:.0f} ms"


@dataclass
class Build:
    """What following a build showed."""

    status: str
    logs: list
    exit_code: int | None
    states: list = field(default_factory=list)

    @property
    def text(self):
        return "\n".join(self.logs)


def form(parts):
    """A multipart body; `parts` are (name, filename or None, content type or None, bytes)."""
    body = bytearray()
    for name, filename, content_type, content in parts:
        body += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'.encode()
        if filename is not None:
            body += f'; filename="{filename}"'.encode()
        if content_type is not None:
            body += f"\r\nContent-Type: {content_type}".encode()
        body += b"\r\n\r\n" + content + b"\r\n"
    return bytes(body) + f"--{BOUNDARY}--\r\n".encode()


class Api:
    """One client. Every request opens a connection, as the Editor's do."""

    def __init__(self, port, token=None, host="127.0.0.1"):
        self.host, self.port, self.token = host, port, token

    def request(self, method, path, body=None, headers=None, timeout=30.0, token=None):
        token = token if token is not None else self.token
        headers = dict(headers or {})
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if isinstance(body, dict | list | str | int):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPSConnection(self.host, self.port, timeout=timeout, context=TLS)
        start = time.monotonic()
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            content = response.read()
            return Answer(response.status, response.headers, content, time.monotonic() - start)
        finally:
            connection.close()

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, body=None, **options):
        return self.request("POST", path, body=body, **options)

    # accounts

    def users_info(self):
        return self.get("/api/get-users-info")

    def create_user(self, username, password, role="user"):
        return self.post("/api/create-user", {"username": username, "password": password, "role": role})

    def login(self, username, password):
        answer = self.post("/api/login", {"username": username, "password": password})
        assert answer.status == 200, answer
        self.token = answer.json()["access_token"]
        return self.token

    def as_user(self, username, password):
        client = Api(self.port, host=self.host)
        client.login(username, password)
        return client

    # control

    def status(self, stats=False):
        answer = self.get("/api/status" + ("?include_stats=true" if stats else ""))
        assert answer.status == 200, answer
        return answer.json()

    def state(self):
        """The state as the Editor reads it."""
        return self.status()["status"].replace("STATUS:", "").replace("\n", "").strip()

    def stats(self):
        return self.status(stats=True)["timing_stats"]

    def scan_count(self):
        return self.stats()["scan_count"] or 0

    def start(self):
        return self.get("/api/start-plc").json()["status"].strip()

    def stop(self):
        return self.get("/api/stop-plc").json()["status"].strip()

    def logs(self, start=None):
        answer = self.get("/api/runtime-logs" + ("" if start is None else f"?id={start}"))
        assert answer.status == 200, answer
        return answer.json()["runtime-logs"]

    def log_text(self, start=None):
        return "\n".join(entry["message"] for entry in self.logs(start))

    # programs

    def upload(self, archive: bytes, clean=False, extra=(), timeout=60.0):
        body = form([("file", "program.zip", "application/zip", archive), *extra])
        return self.upload_body(body, clean=clean, timeout=timeout)

    def upload_body(self, body, clean=False, timeout=60.0):
        path = "/api/upload-file" + ("?clean=1" if clean else "")
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        return self.request("POST", path, body=body, headers=headers, timeout=timeout)

    def compilation(self):
        answer = self.get("/api/compilation-status")
        assert answer.status == 200, answer
        return answer.json()

    def follow_build(self, timeout=60.0, interval=0.02):
        """Polls until the build has ended, and holds the server to the log being cumulative."""
        seen, states, deadline = [], [], time.monotonic() + timeout
        while True:
            report = self.compilation()
            assert report["logs"][: len(seen)] == seen, f"the log changed behind the reader: {seen} {report['logs']}"
            seen = report["logs"]
            if not states or states[-1] != report["status"]:
                states.append(report["status"])
            if report["status"] in TERMINAL:
                return Build(report["status"], seen, report["exit_code"], states)
            assert time.monotonic() < deadline, f"the build has not ended within {timeout} s: {report}"
            time.sleep(interval)

    def deploy(self, archive: bytes, clean=False, timeout=60.0):
        """Uploads, follows the build and expects the program to run."""
        answer = self.upload(archive, clean=clean)
        assert answer.status == 200, answer
        build = self.follow_build(timeout)
        assert build.status == "SUCCESS", build.text
        assert self.state() == "RUNNING", self.log_text()
        return build
