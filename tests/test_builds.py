"""Builds: what the log says, what is built again and what is not, and when SUCCESS may be shown."""

import re
import threading
import time

import pytest

from harness.debug_protocol import MD5, Debugger, answer_bytes

LEVELS = ("[DEBUG]", "[INFO]", "[WARNING]", "[ERROR]")


@pytest.fixture(scope="module")
def blink(programs):
    return programs.blink


def failed(api, bundle):
    answer = api.upload(bundle.zip())
    if answer.status != 200:
        return answer.text
    build = api.follow_build()
    assert build.status == "FAILED" and build.exit_code not in (None, 0), build
    assert all(line.startswith(LEVELS) for line in build.logs), build.text
    assert any(line.startswith("[ERROR]") for line in build.logs), build.text
    return build.text


class TestLog:
    def test_a_compile_error_shows_file_line_and_message(self, api, programs):
        text = failed(api, programs.broken)
        assert re.search(r"^\[ERROR\].*\w+\.(c|cpp|h):\d+:\d+: error: ", text, re.MULTILINE), text

    def test_no_path_of_the_sandbox(self, api, programs):
        text = failed(api, programs.broken)
        assert not re.search(r"(/tmp/|/run/|/var/|/proc/|/dev/shm|/home/|/root/)", text), text

    def test_a_warning_is_no_error(self, api, blink):
        code = blink.files.get("c_blocks_code.cpp", b"") + b"\n#warning only a warning\n"
        build = api.deploy(blink.with_file("c_blocks_code.cpp", code).zip())
        lines = [line for line in build.logs if "only a warning" in line]
        assert lines and all(line.startswith("[WARNING]") for line in lines if "warning:" in line), build.text
        assert not any(line.startswith("[ERROR]") for line in build.logs), build.text

    def test_every_line_has_a_level(self, api, blink):
        build = api.deploy(blink.zip(), clean=True)
        assert all(line.startswith(LEVELS) for line in build.logs), build.text
        assert not any("\n" in line.rstrip("\n") for line in build.logs)

    @pytest.mark.parametrize("name", ["Config0.c", "Res0.c", "POUS.c", "debug.c", "glueVars.c", "lib/iec_types.h"])
    def test_a_missing_file_is_named(self, api, blink, name):
        text = failed(api, blink.without(name))
        assert name.rsplit("/", 1)[-1] in text, text

    def test_an_unknown_generation_is_explained(self, api, blink):
        bundle = type(blink)({"readme.txt": b"Hello"})
        assert len(failed(api, bundle)) > 20

    def test_an_undefined_function_is_named(self, api, blink):
        code = blink.files.get("c_blocks_code.cpp", b"") + (
            b'\nextern "C" int nobody_defined_this(void);\nint used = nobody_defined_this();\n'
        )
        text = failed(api, blink.with_file("c_blocks_code.cpp", code))
        assert "nobody_defined_this" in text


class TestRebuild:
    def test_an_unchanged_upload_is_not_rebuilt(self, runtime, api, blink):
        api.deploy(blink.zip(), clean=True)
        workers = CompilerWatch(runtime)
        build = api.deploy(blink.zip())
        assert not workers.end()
        assert build.exit_code == 0

    def test_how_it_was_zipped_does_not_matter(self, runtime, api, blink):
        import zipfile

        api.deploy(blink.zip())
        workers = CompilerWatch(runtime)
        api.deploy(blink.zip(zipfile.ZIP_DEFLATED))
        assert not workers.end()

    def test_a_clean_build_is_one(self, runtime, api, blink):
        api.deploy(blink.zip())
        workers = CompilerWatch(runtime)
        api.deploy(blink.zip(), clean=True)
        assert workers.end()

    def test_a_changed_upload_is_rebuilt(self, runtime, api, editor, blink):
        api.deploy(blink.zip())
        other = blink.with_md5("0123456789abcdef0123456789abcdef")
        api.deploy(other.zip())
        session = editor.connect(runtime.url, api.token)
        assert Debugger(session, {}).md5() == other.md5
        session.disconnect()

    def test_after_a_failed_build_the_good_one_is_known_still(self, runtime, api, blink, programs):
        api.deploy(blink.zip())
        failed(api, programs.broken)
        workers = CompilerWatch(runtime)
        api.deploy(blink.zip())
        assert not workers.end()


class CompilerWatch:
    """Looks for compilers below the runtime until `end`, which tells whether there were any."""

    def __init__(self, runtime):
        self.runtime, self.seen, self.going = runtime, set(), True
        self.thread = threading.Thread(target=self.look)
        self.thread.start()

    def look(self):
        while self.going:
            self.seen |= {p.name for p in self.runtime.processes() if p.name.startswith("cc1")}
            time.sleep(0.002)

    def end(self):
        self.going = False
        self.thread.join()
        return self.seen


class TestSuccess:
    def test_is_shown_only_when_the_new_program_runs(self, runtime, api, editor, blink, programs):
        """Whoever sees SUCCESS and then asks finds the new program, running: as often as one likes."""
        session = editor.connect(runtime.url, api.token)
        bundles = [blink, programs.types]
        for round in range(6):
            bundle = bundles[round % 2]
            assert api.upload(bundle.zip()).status == 200
            # An older SUCCESS must be gone by the time the upload is answered: the first look may already show it.
            while (status := api.compilation()["status"]) != "SUCCESS":
                assert status in ("UNZIPPING", "COMPILING"), status
            md5 = answer_bytes(session.command(MD5))[2:].decode()
            assert (md5, api.state()) == (bundle.md5, "RUNNING")
        session.disconnect()

    def test_starts_a_plc_that_was_stopped(self, api, blink, programs):
        """Editor 4.1 does not ask for a start after a build."""
        api.deploy(blink.zip())
        assert api.stop() == "STOP:OK"
        api.deploy(programs.types.zip())
        assert api.state() == "RUNNING"
        assert api.start() == "START:ERROR_ALREADY_RUNNING", "what later Editors get and take for success"

    def test_follows_the_first_scan(self, api, blink, programs):
        """Whatever ran before: also a program whose next deadline is far off."""
        for bundle in (programs.slow, blink, programs.fast, blink):
            api.deploy(bundle.zip())
            assert api.scan_count() > 0
