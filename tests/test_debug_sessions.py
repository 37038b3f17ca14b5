"""Debug sessions: values, forcing, and several clients of several kinds at once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.debug_protocol import MD5, Debugger, answer_bytes, read_request
from harness.python_client import PythonClient
from harness.runtime import PASSWORD
from harness.waiting import wait_until


@pytest.fixture(scope="module")
def blink(runtime, api, programs):
    api.deploy(programs.blink.zip())
    return programs.blink


@pytest.fixture
def connect(runtime, api, editor):
    """Makes a session of each of the three kinds of client."""
    sessions = []

    def connect(kind="editor", token=None):
        token = token or api.token
        if kind == "editor":
            session = editor.connect(runtime.url, token)
        else:
            session = PythonClient(runtime.url, token, [kind])
        sessions.append(session)
        return session

    yield connect
    for session in sessions:
        session.disconnect()


@pytest.mark.parametrize("kind", ["editor", "websocket", "polling"])
def test_each_kind_of_client_debugs(connect, blink, kind):
    debugger = Debugger(connect(kind), blink.variables)
    assert debugger.md5() == blink.md5
    first = debugger.read("SCANS")
    wait_until(lambda: debugger.read("SCANS") != first, "another value of SCANS")


@pytest.mark.parametrize("kind", ["editor", "websocket", "polling"])
@pytest.mark.parametrize("token", [None, "", "rubbish"], ids=["none", "empty", "rubbish"])
def test_no_client_without_a_token(runtime, editor, kind, token):
    with pytest.raises(Exception, match="(?i)reject|refus|fail|invalid|missing"):
        if kind == "editor":
            editor.connect(runtime.url, token)
        else:
            PythonClient(runtime.url, token, [kind])


def test_many_clients_at_once_each_get_their_own_answers(connect, blink):
    """Every client asks for another list of variables and must never see the answer to another's question."""
    kinds = ["editor"] * 4 + ["websocket"] * 2 + ["polling"]
    indexes = range(len(blink.table))
    sessions = [connect(kind) for kind in kinds]
    start = threading.Barrier(len(kinds))

    def ask(number):
        session, index = sessions[number], indexes[number % len(indexes)]
        wrong = []
        start.wait()
        for round in range(100 if kinds[number] == "editor" else 30):
            count = 1 + (number * 7 + round) % 50
            frame = answer_bytes(session.command(read_request([index] * count)))
            size = int.from_bytes(frame[8:10], "big")
            if int.from_bytes(frame[2:4], "big") != index or size % count or size == 0:
                wrong.append(frame)
        return wrong

    with ThreadPoolExecutor(len(kinds)) as pool:
        assert list(pool.map(ask, range(len(kinds)))) == [[]] * len(kinds)


def test_nothing_comes_unasked(connect, blink):
    silent, busy = connect(), connect()
    for _ in range(50):
        busy.command(MD5)
    assert silent.received() == 0
    assert busy.received() == 50


def test_a_token_is_checked_with_every_command(runtime, connect, blink):
    other = runtime.login()
    session = connect(token=other.token)
    assert answer_bytes(session.command(MD5))
    other.post("/api/logout")
    answer = session.command(MD5)
    assert answer["success"] is False and answer["error"] in ("Unauthorized", "token_expired"), answer


def test_reauth_goes_on_with_another_token(runtime, connect, blink):
    first, second = runtime.login(), runtime.login()
    session = connect(token=first.token)
    assert session.reauth("rubbish") == {"success": False, "error": "Unauthorized"}
    assert session.reauth(None) == {"success": False, "error": "no token"}
    assert answer_bytes(session.command(MD5)), "a refused reauth leaves the session as it is"
    first.post("/api/logout")
    assert session.command(MD5)["success"] is False
    assert session.reauth(second.token) == {"success": True}
    assert answer_bytes(session.command(MD5))


def test_a_session_survives_a_change_of_the_program(connect, api, blink, programs):
    session = connect()
    assert Debugger(session, {}).md5() == blink.md5
    api.deploy(programs.types.zip())
    try:
        assert Debugger(session, {}).md5() == programs.types.md5
    finally:
        api.deploy(blink.zip())
    assert Debugger(session, {}).md5() == blink.md5


class TestWhileStopped:
    @pytest.fixture(autouse=True)
    def stopped(self, api, blink):
        assert api.stop() == "STOP:OK"
        yield
        if api.state() != "RUNNING":
            assert api.start() == "START:OK"

    def test_a_poll_neither_starts_nor_kills(self, runtime, api, connect, blink):
        core, session = runtime.process("openplc-core"), connect()
        debugger = Debugger(session, blink.variables)
        assert debugger.md5() == blink.md5
        values = [debugger.read("SCANS") for _ in range(20)]
        assert len(set(values)) == 1, "a stopped program counts"
        assert api.state() == "STOPPED"
        assert runtime.process("openplc-core") == core


class TestWithoutProgram:
    def test_the_answer_says_so(self, fresh_runtime, editor):
        api = fresh_runtime.login()
        session = editor.connect(fresh_runtime.url, api.token)
        answer = session.command(MD5)
        if answer["success"]:
            assert answer_bytes(answer) in (b"\x45\x83", b"\x45\x81")
        else:
            assert answer["error"]
        session.disconnect()


def test_a_client_that_logs_in_again_and_again_costs_nothing(runtime, api, editor, blink):
    """Sessions end with their connection: descriptors of the API do not pile up."""
    process = runtime.process("openplc-api")
    for _ in range(3):
        editor.connect(runtime.url, api.token).disconnect()
    before = process.descriptors()
    for _ in range(50):
        session = editor.connect(runtime.url, api.token)
        session.command(MD5)
        session.disconnect()
    wait_until(lambda: process.descriptors() <= before + 2, "descriptors to be closed")
    core = runtime.process("openplc-core")
    assert core.descriptors() < 40
    assert PASSWORD not in runtime.log()
