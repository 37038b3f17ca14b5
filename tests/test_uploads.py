"""Uploads as an Editor, a broken network or an attacker sends them. What is refused changes nothing: the program runs on
and the log of the last build can still be read."""

import io
import os
import socket
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.api import BOUNDARY, TLS, form
from harness.debug_protocol import Debugger
from harness.processes import descendants
from harness.programs import HOSTILE
from harness.scans import Scans
from harness.waiting import wait_until

# With one of these words in a refusal the Editor would log in again instead of showing it.
REAUTHENTICATION_WORDS = ("unauthorized", "token", "expired")


@pytest.fixture(scope="module")
def blink(api, programs):
    api.deploy(programs.blink.zip())
    return programs.blink


def running_md5(runtime, api, editor):
    session = editor.connect(runtime.url, api.token)
    md5 = Debugger(session, {}).md5()
    session.disconnect()
    return md5


@pytest.fixture
def refused(runtime, api, editor, blink, witness):
    """Checks an answer that refuses an upload, and that nothing has changed by it."""
    last_build, scans, core = api.compilation(), Scans(api, witness), runtime.process("openplc-core")

    def check(answer):
        assert 400 <= answer.status < 500 and answer.status not in (401, 403), answer
        assert 0 < len(answer.text) < 1000, answer
        assert not any(word in answer.text.lower() for word in REAUTHENTICATION_WORDS), answer
        assert api.compilation() == last_build, "the log of the last build is gone"
        assert scans.check() >= 0
        assert runtime.process("openplc-core") == core
        assert running_md5(runtime, api, editor) == blink.md5

    return check


class TestAccepted:
    """Every shape in which Editors and people send a sound program."""

    @pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED], ids=["stored", "deflated"])
    def test_compression(self, api, programs, compression):
        api.deploy(programs.blink.zip(compression))

    def test_names_of_windows(self, api, programs):
        """Editor 4.1 on Windows writes `lib\\iec_types.h`."""
        api.deploy(programs.blink.zip(separator="\\"), clean=True)

    def test_one_folder_around_everything(self, api, programs):
        api.deploy(programs.blink.zip(prefix="project/"), clean=True)

    def test_leavings_of_macos(self, api, programs):
        bundle = programs.blink.with_file("__MACOSX/._Config0.c", b"\0\5\x16\7").with_file(".DS_Store", b"\0")
        api.deploy(bundle.zip(), clean=True)

    def test_folders_as_entries(self, api, programs):
        buffer = io.BytesIO(programs.blink.zip())
        with zipfile.ZipFile(buffer, "a") as archive:
            archive.mkdir("conf")
        api.deploy(buffer.getvalue(), clean=True)

    def test_parts_that_we_do_not_know(self, api, programs):
        extra = [
            ("snapshot", "project.zip", "application/zip", b"PK\5\6" + b"\0" * 18),
            ("snapshot_metadata", None, "application/json", b'{"formatVersion":1,"projectName":"x"}'),
            ("something", None, None, b"\0\xff" * 1000),
        ]
        assert api.upload(programs.blink.zip(), extra=extra).status == 200
        assert api.follow_build().status == "SUCCESS"

    def test_a_file_after_other_parts(self, api, programs):
        body = form(
            [
                ("snapshot_metadata", None, "application/json", b"{}"),
                ("file", "program.zip", "application/zip", programs.blink.zip()),
            ]
        )
        assert api.upload_body(body).status == 200
        assert api.follow_build().status == "SUCCESS"

    def test_the_answer_that_editors_show(self, api, programs):
        answer = api.upload(programs.blink.zip())
        assert answer.status == 200
        assert answer.json()["CompilationStatus"] == "COMPILING"
        assert answer.json().get("UploadFileFail", "") == ""
        assert api.follow_build().status == "SUCCESS"


# What lacks a file is a sound zip and a failed build: test_builds.py.
@pytest.mark.parametrize("rule", [name for name in HOSTILE if name != "missing_config"])
def test_an_archive_that_breaks_a_rule(api, refused, rule):
    refused(api.upload(HOSTILE[rule]()))


class TestRefusedForms:
    def test_no_file(self, api, refused, blink):
        refused(api.upload_body(form([("other", "program.zip", "application/zip", blink.zip())])))

    def test_an_empty_file(self, api, refused):
        refused(api.upload(b""))

    def test_no_zip(self, api, refused):
        refused(api.upload(b"Once upon a time there was a zip."))

    def test_rubbish(self, api, refused):
        refused(api.upload(os.urandom(100_000)))

    def test_half_a_zip(self, api, refused, blink):
        archive = blink.zip()
        refused(api.upload(archive[: len(archive) // 2]))

    def test_a_zip_whose_content_was_changed(self, api, refused, blink):
        archive = bytearray(blink.zip())
        archive[archive.index(blink.files["Config0.c"]) + 10] ^= 0x20
        refused(api.upload(bytes(archive)))

    def test_an_empty_form(self, api, refused):
        refused(api.upload_body(b""))
        refused(api.upload_body(f"--{BOUNDARY}--\r\n".encode()))

    def test_no_form_at_all(self, api, refused, blink):
        refused(api.post("/api/upload-file", blink.zip(), headers={"Content-Type": "application/zip"}))
        refused(api.post("/api/upload-file", blink.zip(), headers={"Content-Type": "multipart/form-data"}))
        refused(api.post("/api/upload-file", {"file": "x"}))

    def test_a_form_without_its_end(self, api, refused, blink):
        body = form([("file", "program.zip", "application/zip", blink.zip())])
        refused(api.upload_body(body[: len(body) // 2]))

    def test_a_form_cut_by_the_network(self, runtime, api, blink, editor, witness):
        """The connection ends in the middle of what Content-Length announced."""
        body = form([("file", "program.zip", "application/zip", blink.zip())])
        before, scans = api.compilation(), Scans(api, witness)
        with TLS.wrap_socket(socket.create_connection(("127.0.0.1", runtime.port))) as connection:
            connection.sendall(request_head(api, len(body)) + body[: len(body) // 2])
        assert api.compilation() == before
        scans.check()
        assert running_md5(runtime, api, editor) == blink.md5
        # And the next upload finds the way free.
        assert api.upload(blink.zip()).status == 200
        assert api.follow_build().status == "SUCCESS"

    @pytest.mark.parametrize("name", ["../../x.zip", "a\0b", "x" * 5000, "", 'a"b', "/etc/passwd"], ids=repr)
    def test_the_name_of_the_file_means_nothing(self, api, blink, name):
        quoted = name.replace('"', "%22")
        answer = api.upload_body(form([("file", quoted, "application/zip", blink.zip())]))
        if answer.status == 200:
            assert api.follow_build().status == "SUCCESS"
        else:
            assert 400 <= answer.status < 500, answer


def request_head(api, length):
    return (
        f"POST /api/upload-file HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.token}\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


class TestSize:
    def test_a_body_of_60_mib(self, runtime, api, refused):
        """Refused, at once or at its end, and not kept in memory."""
        server = runtime.process("openplc-api")
        before = server.rss()
        head, tail = form([("file", "program.zip", "application/zip", b"<content>")]).split(b"<content>")
        length = len(head) + (60 << 20) + len(tail)
        last_build = api.compilation()
        with TLS.wrap_socket(socket.create_connection(("127.0.0.1", runtime.port), timeout=20)) as connection:
            try:
                connection.sendall(request_head(api, length) + head)
                for _ in range(60):
                    connection.sendall(b"\0" * (1 << 20))
                connection.sendall(tail)
            except OSError:
                pass  # it hung up on us
            try:
                status = int(connection.recv(100).split()[1])
                assert status == 413, status
            except (OSError, IndexError):
                pass  # a reset may overtake the answer
        assert api.compilation() == last_build
        assert server.rss() - before < 80 << 20
        assert runtime.process("openplc-api") == server

    def test_a_body_that_claims_to_be_huge(self, runtime, api):
        with TLS.wrap_socket(socket.create_connection(("127.0.0.1", runtime.port), timeout=5)) as connection:
            connection.sendall(request_head(api, 1 << 40))
            answer = connection.recv(1000)
            assert answer == b"" or int(answer.split()[1]) == 413, answer
        assert api.state() == "RUNNING"

    def test_a_json_body_that_is_huge(self, api):
        try:
            json_type = {"Content-Type": "application/json"}
            answer = api.post("/api/login", b'{"username":"' + b"x" * (20 << 20), headers=json_type, timeout=10)
            assert answer.status in (400, 413), answer
        except OSError:
            pass  # it hung up on us
        assert api.state() == "RUNNING"


class TestSeveralAtOnce:
    def test_one_is_built_and_the_others_are_told_to_wait(self, runtime, api, editor, blink, slow_to_build):
        """The second answer is no success, and it does not touch the first build."""
        assert api.upload(slow_to_build.zip()).status == 200
        answer = api.upload(blink.zip())
        assert answer.status not in (200, 401, 403), answer
        assert not any(word in answer.text.lower() for word in REAUTHENTICATION_WORDS), answer
        report = api.compilation()
        assert report["status"] == "COMPILING" and report["exit_code"] is None
        build = api.follow_build()
        assert build.status == "SUCCESS", build.text
        assert running_md5(runtime, api, editor) == slow_to_build.md5
        api.deploy(blink.zip())

    def test_many_at_the_same_moment(self, runtime, api, editor, blink):
        """Whatever is accepted is built as a whole and runs; nothing is mixed."""
        bundles = [blink.with_md5(f"{number:032x}") for number in range(1, 9)]
        start = threading.Barrier(len(bundles))

        def upload(bundle):
            start.wait()
            return api.upload(bundle.zip())

        with ThreadPoolExecutor(len(bundles)) as pool:
            answers = list(pool.map(upload, bundles))
        accepted = [bundle.md5 for bundle, answer in zip(bundles, answers, strict=True) if answer.status == 200]
        assert accepted, answers
        assert api.follow_build().status == "SUCCESS"
        assert running_md5(runtime, api, editor) in accepted
        api.deploy(blink.zip())

    def test_nothing_is_left_of_them(self, runtime, api, blink):
        api.deploy(blink.zip(), clean=True)

        def workers():
            return [p for p in descendants(runtime.launcher.pid) if p.name == "openplc-compile"]

        wait_until(lambda: not workers(), lambda: f"the workers to end: {workers()}")
