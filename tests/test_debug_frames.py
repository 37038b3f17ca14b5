"""Debug frames as nobody should send them: each is answered, and none disturbs a scan or the core."""

import struct

import pytest

from harness.debug_protocol import MD5, Debugger, answer_bytes, hexadecimal, read_answer, read_request

# Frames that are refused with two bytes: function code and reason.
REFUSED = {
    "endianness probe of something else": ("45 12 34 00 00", "45 81"),
    "list with one index too many": ("44 00 01 FF FF", "44 81"),
    "set of a variable that is not there": ("42 FF FF 01 00 01 01", "42 81"),
}
# Frames for which a refusal of any kind will do; an answer, and that the core lives, is what matters.
ODD = {
    "function code alone": "45",
    "MD5 without spaces": "45DEAD0000",
    "MD5 cut short": "45 DE",
    "MD5 in lower case": "45 de ad 00 00",
    "MD5 and more": "45 DE AD 00 00 00 00 00 00 00 00",
    "set cut after the index": "42 00 00 01",
    "set cut after the function code": "42",
    "set with a length beyond its end": "42 00 00 01 FF FF 01",
    "set with a length of nothing": "42 00 00 01 00 00",
    "set longer than the variable": "42 00 00 01 00 40 " + " ".join(["41"] * 64),
    "set much longer than the variable": "42 00 00 01 0F 00 " + " ".join(["41"] * 3840),
    "list of nothing": "44 00 00",
    "list cut short": "44 00 05 00 00",
    "list of 65535": "44 FF FF 00 00",
    "list cut after the function code": "44",
    "range backwards": "43 00 05 00 00",
    "range beyond the end": "43 00 00 FF FF",
    "range cut short": "43 00",
    "info": "41",
    "info and more": "41 DE AD 00 00",
    "function code of nothing": "00",
    "function code of the other generation": "4A",
    "highest function code": "FF FF FF FF FF",
    "command of 10 kB": "45 " + " ".join(["DE"] * 3333),
    "command of 10 kB without spaces": "45" * 5000,
    "list of 10 kB": "44 0C 80 " + " ".join(["00 00"] * 1700),
    "one digit": "4",
    "odd number of digits": "45 DE A",
    "double spaces": "45  DE  AD  00  00",
    "spaces around": "  45 DE AD 00 00  ",
    "no hexadecimal digits": "XY ZZ",
    "sign and prefix": "0x45 +1 -1",
    "beyond ASCII": "４５ ＤＥ ＡＤ ００ ００ é \U0001f600",
    "nothing": "",
    "spaces": "   ",
    "NUL": "45 DE AD 00 00\0",
    "line feed and a command of the core": "45 DE AD 00 00\nSTOP",
    "line feeds and commands of the core": "45 DE AD 00 00\r\nSTOP\nSTATUS\n",
    "a control message of the core": '{"request":"stop"}',
}
NOT_TEXT = {"a number": 5, "null": None, "a list": ["45"], "an object": {"a": 1}, "a truth": True}


@pytest.fixture(scope="module")
def blink(runtime, api, programs):
    api.deploy(programs.blink.zip())
    return programs.blink


@pytest.fixture
def session(runtime, api, editor, blink):
    session = editor.connect(runtime.url, api.token)
    yield session
    session.disconnect()


@pytest.fixture(autouse=True)
def the_plc_goes_on(runtime, api, session, blink):
    """Around each test: the same core, scanning, and no debugger's answer out of step."""
    core, before = runtime.process("openplc-core"), api.stats()
    yield
    assert runtime.process("openplc-core") == core
    after = api.stats()
    assert after["scan_count"] >= before["scan_count"], "the program was restarted"
    assert api.state() == "RUNNING"
    received = session.received()
    assert Debugger(session, blink.variables).md5() == blink.md5
    assert session.received() == received + 1


@pytest.mark.parametrize("name", REFUSED)
def test_refused(session, name):
    command, expected = REFUSED[name]
    assert hexadecimal(answer_bytes(session.command(command))) == expected


@pytest.mark.parametrize("name", ODD)
def test_odd(session, name):
    answer = session.command(ODD[name])
    if answer["success"]:
        answer_bytes(answer)
    else:
        assert isinstance(answer["error"], str) and answer["error"], answer


@pytest.mark.parametrize("name", NOT_TEXT)
def test_not_text(session, name):
    answer = session.command(NOT_TEXT[name])
    assert answer["success"] is False and answer["error"], answer


def test_info_counts_the_variables(session, blink):
    assert answer_bytes(session.command("41 DE AD 00 00")) == struct.pack(">BH", 0x41, len(blink.table))


def test_a_list_of_256_is_answered_and_one_of_257_is_not(session, blink):
    """The limit of the protocol. 0x82 makes the Editor ask for half as many."""
    index = blink.variables["SCANS"].index
    assert read_answer(answer_bytes(session.command(read_request([index] * 256)))).last_index == index
    assert answer_bytes(session.command(read_request([index] * 257))) == b"\x44\x82"


def test_one_bad_index_spoils_the_list(session, blink):
    good = blink.variables["SCANS"].index
    assert answer_bytes(session.command(read_request([good, 0xFFFF, good]))) == b"\x44\x81"


def test_one_answer_for_each_of_many_in_order(session, blink):
    commands, expected = [], []
    for number in range(12):
        if number % 3 == 0:
            commands.append(MD5)
            expected.append(b"\x45\x7e" + blink.md5.encode())
        elif number % 3 == 1:
            commands.append("44 00 01 FF FF")
            expected.append(b"\x44\x81")
        else:
            commands.append("45 00 00 00 00")
            expected.append(b"\x45\x81")
    assert [answer_bytes(answer) for answer in session.burst(commands)] == expected
