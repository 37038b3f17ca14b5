"""Memory stays flat, whatever a client does for long. `benches/run` does the same with ten times as many polls."""

import pytest

from harness.debug_protocol import read_request

POLLS = 100_000
SESSIONS = 4


@pytest.mark.timeout(240)
def test_a_hundred_thousand_polls_cost_nothing(fresh_runtime, editor, programs):
    api = fresh_runtime.login()
    api.deploy(programs.blink.zip())
    index = programs.blink.variables["SCANS"].index
    sessions = [editor.connect(fresh_runtime.url, api.token) for _ in range(SESSIONS)]
    request = read_request([index])

    def poll(count):
        going = [
            editor.begin(op="poll", session=session.session, command=request, count=count // SESSIONS)
            for session in sessions
        ]
        for identity in going:
            assert editor.finish(identity, 200)["last"]["success"]

    def memory():
        return {name: fresh_runtime.process(name).rss() for name in ("openplc-api", "openplc-core", "openplc-launcher")}

    poll(4000)  # caches and buffers reach their size
    before, entries = memory(), len(api.logs())
    poll(POLLS)
    after = memory()
    assert all(after[name] - before[name] < 1 << 20 for name in before), f"{before} {after}"
    assert len(api.logs()) - entries < 10, "polls are logged"
    for session in sessions:
        session.disconnect()


def test_the_log_is_bounded(fresh_runtime, programs):
    """Whatever starts and stops for long, not more than the newest thousand lines or so are kept."""
    api = fresh_runtime.login()
    api.deploy(programs.blink.zip())
    core = fresh_runtime.process("openplc-core")

    def churn(times):
        for _ in range(times):
            api.stop()
            api.start()

    churn(50)
    before = core.rss()
    churn(250)
    assert len(api.logs()) <= 5000
    assert core.rss() - before < 4 << 20
    assert fresh_runtime.process("openplc-core") == core
