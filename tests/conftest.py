"""Fixtures of the whole-system tests. They drive the real binaries (OPENPLC_BIN_DIR, by default target/release)."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness.editor import EditorProcess  # noqa: E402
from harness.plugins import Administrator  # noqa: E402
from harness.programs import Programs, slow_to_compile  # noqa: E402
from harness.processes import adopt_orphans, descendants  # noqa: E402
from harness.runtime import BINARIES, Runtime, bring_to_an_end  # noqa: E402
from harness.skips import add_to_the_list  # noqa: E402
from harness.stall_witness import StallWitness  # noqa: E402

RUNTIMES = []  # all that were started; for their output when a test fails


def pytest_configure():
    missing = [name for name in ("openplc-launcher", "openplc-api", "openplc-core", "openplc-compile", "openplcctl")
               if not (BINARIES / name).exists()]  # fmt: skip
    if missing:
        pytest.exit(f"{', '.join(missing)} missing in {BINARIES}: build them first, or set OPENPLC_BIN_DIR", 2)
    adopt_orphans()


def pytest_sessionfinish(session):
    """Nothing that a test started may outlive the tests."""
    left = [process for process in descendants(os.getpid()) if process.state != "Z"]
    if left:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        print(f"\nprocesses left behind: {left}")
        for process in left:
            process.kill()


def pytest_terminal_summary(terminalreporter):
    add_to_the_list(terminalreporter.stats.get("skipped", []))


@pytest.fixture(autouse=True)
def runtime_output(request):
    """Remembers where each runtime's output stood when a test began; a failure prints what came since."""
    request.node.output_starts = {runtime: runtime.output_size() for runtime in RUNTIMES}


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        starts = getattr(item, "output_starts", {})
        for runtime in RUNTIMES:
            text = runtime.log(starts.get(runtime, 0))
            if text:
                report.sections.append((f"output of the runtime in {runtime.data}", text[-20000:]))


def kind_of_runtime():
    """`container/run` has the same tests drive a container."""
    if "OPENPLC_CONTAINER_IMAGE" in os.environ:
        from container.contained import ContainedRuntime

        return ContainedRuntime
    return Runtime


def launched(tmp_path_factory):
    runtime = kind_of_runtime()(tmp_path_factory.mktemp("runtime") / "data")
    RUNTIMES.append(runtime)
    try:
        yield runtime.start()
    finally:
        bring_to_an_end(runtime)


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    """A runtime that the tests of a file share; a test must not depend on what another left in it."""
    yield from launched(tmp_path_factory)


@pytest.fixture
def fresh_runtime(tmp_path_factory):
    """A runtime of a test's own: nobody has logged in yet, no program is there."""
    yield from launched(tmp_path_factory)


@pytest.fixture(scope="module")
def api(runtime):
    """A logged-in client of the shared runtime."""
    return runtime.login()


@pytest.fixture
def administrator(runtime):
    """Who keeps plugins.conf; afterwards it is empty."""
    administrator = Administrator(runtime)
    yield administrator
    administrator.write()


@pytest.fixture(scope="session")
def editor():
    """A Node process that speaks as the Editor's debugger does; it makes as many sessions as asked."""
    editor = EditorProcess()
    yield editor
    editor.close()


@pytest.fixture(scope="session")
def witness():
    """Tells when the machine itself stood still."""
    witness = StallWitness()
    yield witness
    witness.close()


@pytest.fixture(scope="session")
def programs():
    return Programs()


@pytest.fixture(scope="session")
def slow_to_build(programs):
    """A program that takes the compiler some seconds."""
    return slow_to_compile(programs.blink)
