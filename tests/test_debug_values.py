"""Values of every type through the debugger: how they are read, forced and released."""

import struct

import pytest

from harness.debug_protocol import (
    SIZES,
    Debugger,
    answer_bytes,
    encode,
    force_request,
    hexadecimal,
    read_answer,
    read_request,
)
from harness.waiting import wait_until

# Initial values of `types` that its body leaves alone.
INITIAL = {
    "A_BOOL": True, "A_SINT": -100, "A_DINT": -2_000_000_000, "A_LINT": -9_000_000_000_000_000_000,
    "A_USINT": 200, "A_UINT": 60_000, "A_UDINT": 4_000_000_000, "A_ULINT": 9_000_000_000_000_000_000,
    "A_BYTE": 0xA5, "A_WORD": 0xBEEF, "A_DWORD": 0xDEADBEEF, "A_LWORD": 0x0123456789ABCDEF,
    "A_REAL": 3.25, "A_LREAL": -2.5, "A_TIME": (3723, 4_000_000), "A_TOD": (12 * 3600 + 30 * 60 + 15, 0),
}  # fmt: skip
FORCED = {
    "A_BOOL": False, "A_SINT": -2, "A_INT": -12345, "A_DINT": 0x01020304, "A_LINT": -0x0102030405060708,
    "A_USINT": 254, "A_UINT": 0x0102, "A_UDINT": 0x01020304, "A_ULINT": 0x0102030405060708,
    "A_BYTE": 0x7F, "A_WORD": 0xBE01, "A_DWORD": 0x01020304, "A_LWORD": 0x0102030405060708,
    "A_REAL": 1234.5, "A_LREAL": -0.1, "A_TIME": (1, 2), "A_TOD": (3, 4), "A_DATE": (86400, 0),
    "A_STRING": "forced: 12345",
}  # fmt: skip


@pytest.fixture(scope="module")
def types(api, programs):
    api.deploy(programs.types.zip())
    return programs.types


@pytest.fixture
def debugger(runtime, api, editor, types):
    session = editor.connect(runtime.url, api.token)
    debugger = Debugger(session, types.variables)
    debugger.md5()  # as the Editor: this tells the byte order of forced values
    yield debugger
    session.disconnect()


class TestReading:
    def test_initial_values(self, debugger):
        assert debugger.read_many(INITIAL) == INITIAL

    def test_arrays_and_structures(self, debugger):
        names = [f"RES0__INSTANCE0.NUMBERS[{i}]" for i in range(5)]
        wait_until(lambda: debugger.read("RES0__INSTANCE0.PUMP.CURRENT") == 0.5, "a scan")
        assert list(debugger.read_many(names).values()) == [10, 20, 30, 40, 50]
        assert debugger.read("RES0__INSTANCE0.PUMP.SPEED") == 1500

    def test_everything_in_one_poll(self, debugger, types):
        names = [variable.name for variable in types.table]
        assert len(names) > 40
        assert set(debugger.read_many(names)) == set(names)

    def test_a_list_too_long_for_a_frame_ends_at_a_whole_variable(self, debugger, types):
        """4096 bytes hold no 60 strings: the answer says which variable was the last, the rest is asked for again."""
        string = types.variables["A_STRING"].index
        reading = read_answer(debugger.frame(read_request([string] * 60)))
        assert reading.last_index == string
        assert len(reading.data) % SIZES["STRING"] == 0
        assert 10 + len(reading.data) <= 4096

    def test_no_value_is_torn(self, debugger):
        """SHARED counts up by one with each scan; two reads in one list are of the same scan."""
        index = debugger.variables["CONFIG0__SHARED"].index
        for _ in range(300):
            data = read_answer(debugger.frame(read_request([index] * 100))).data
            assert len({data[i : i + 2] for i in range(0, len(data), 2)}) == 1


class TestForcing:
    @pytest.mark.parametrize("name", FORCED)
    def test_a_value_of_every_type(self, debugger, types, name):
        value = FORCED[name]
        debugger.force(name, value)
        try:
            expected = struct.unpack("f", struct.pack("f", value))[0] if name == "A_REAL" else value
            assert debugger.read(name) == expected
            scans = debugger.read("CONFIG0__SHARED")
            wait_until(lambda: debugger.read("CONFIG0__SHARED") != scans, "the next scan")
            assert debugger.read(name) == expected, "the program has changed a forced variable"
        finally:
            debugger.release(name)

    def test_numbers_come_big_endian(self, debugger, types):
        """The Editor's order on the wire; the answer is in the machine's."""
        index = types.variables["A_UINT"].index
        assert debugger.frame(force_request(index, b"\x12\x34")) == b"\x42\x7e"
        assert read_answer(debugger.frame(read_request([index]))).data == b"\x34\x12"
        debugger.release("A_UINT")

    def test_the_order_is_that_of_the_session(self, runtime, api, editor, debugger, types):
        """Whatever another debugger sends, and however often the PLC has been started since the MD5 was asked for."""
        index = types.variables["A_UINT"].index
        other = editor.connect(runtime.url, api.token)
        try:
            little = Debugger(other, types.variables)
            little.frame("45 AD DE 00 00")
            debugger.force("A_UINT", 0x1234)
            assert debugger.read("A_UINT") == 0x1234
            assert little.frame(force_request(index, b"\x12\x34")) == b"\x42\x7e"
            assert debugger.read("A_UINT") == 0x3412
        finally:
            other.disconnect()
        api.stop()
        api.start()
        debugger.force("A_UINT", 0x1234)
        assert debugger.read("A_UINT") == 0x1234
        debugger.release("A_UINT")

    def test_a_released_variable_belongs_to_the_program_again(self, debugger):
        debugger.force("A_INT", 5)
        assert debugger.read("A_INT") == 5
        debugger.release("A_INT")
        wait_until(lambda: debugger.read("A_INT") != 5, "the program to count on")

    @pytest.mark.parametrize("name", ["A_BOOL", "A_INT", "A_DINT", "A_LINT", "A_REAL", "A_LREAL"])
    @pytest.mark.parametrize("change", [-1, 1, 100])
    def test_a_length_that_is_not_the_type_s_changes_nothing(self, debugger, types, name, change):
        before = debugger.read("A_UDINT"), debugger.read("A_LREAL"), debugger.read("A_BOOL")
        variable = types.variables[name]
        value = (encode(variable.iec_type, 1) + bytes(100))[: max(0, SIZES[variable.iec_type] + change)]
        frame = debugger.frame(force_request(variable.index, value))
        assert frame[0] == 0x42 and frame[1] in (0x81, 0x82), frame.hex(" ")
        assert (debugger.read("A_UDINT"), debugger.read("A_LREAL"), debugger.read("A_BOOL")) == before

    @pytest.mark.parametrize("length, told", [(126, 126), (127, 126), (0, 0)])
    def test_strings_of_every_length(self, debugger, types, length, told):
        variable = types.variables["RECIPE"]
        frame = debugger.frame(force_request(variable.index, bytes([min(length, 126)]) + b"s" * min(length, 126)))
        assert frame == b"\x42\x7e"
        assert debugger.read("RECIPE") == "s" * told
        debugger.release("RECIPE")

    @pytest.mark.parametrize("value", [b"\x7fabc", b"\xffabc", b"\x05abc", b"s" * 200, b""], ids=lambda v: v[:4].hex())
    def test_a_string_that_lies_about_its_length(self, debugger, types, value):
        """Refused, or cut to what came: never more characters than a STRING has or than were sent."""
        variable = types.variables["RECIPE"]
        debugger.client.command(force_request(variable.index, value))
        data = read_answer(debugger.frame(read_request([variable.index]))).data
        assert data[0] <= 126
        debugger.release("RECIPE")

    def test_a_forced_value_is_gone_with_its_program(self, api, debugger, types, programs):
        debugger.force("A_INT", 4242)
        api.deploy(programs.blink.zip())
        api.deploy(types.zip())
        assert debugger.read("A_INT") != 4242


class TestLocated:
    PAIRS = {
        "IN_BIT": ("OUT_BIT", True), "IN_BIT_LAST": ("OUT_BIT_LAST", True), "IN_BYTE": ("OUT_BYTE", 0x5A),
        "IN_INT": ("OUT_INT", -1234), "IN_WORD_LAST": ("OUT_WORD_LAST", 0xFEDC), "IN_REAL": ("OUT_REAL", 2.5),
        "IN_LREAL": ("OUT_LREAL", -1e300),
    }  # fmt: skip

    @pytest.fixture(scope="class")
    def located(self, api, programs):
        api.deploy(programs.located.zip())
        return programs.located

    @pytest.fixture
    def debugger(self, runtime, api, editor, located):
        session = editor.connect(runtime.url, api.token)
        yield Debugger(session, located.variables)
        session.disconnect()

    def test_inputs_reach_outputs(self, debugger):
        debugger.md5()
        for source, (target, value) in self.PAIRS.items():
            debugger.force(source, value)
            wait_until(lambda: debugger.read(target) == value, f"{target} to follow {source}")  # noqa: B023
            debugger.release(source)
            wait_until(lambda: debugger.read(target) == 0, f"{target} to follow {source} again")  # noqa: B023

    def test_a_forced_output_stays(self, debugger):
        debugger.md5()
        debugger.force("OUT_INT", 77)
        tick = read_answer(debugger.frame(read_request([0]))).tick
        wait_until(lambda: read_answer(debugger.frame(read_request([0]))).tick > tick + 2, "more scans")
        assert debugger.read("OUT_INT") == 77
        debugger.release("OUT_INT")
        wait_until(lambda: debugger.read("OUT_INT") == 0, "the program to write it again")

    def test_memory_counts(self, debugger):
        names = ["MEMORY_UINT", "MEMORY_UDINT", "MEMORY_ULINT"]
        before = debugger.read_many(names)
        after = wait_until(
            lambda: (now := debugger.read_many(names))["MEMORY_UINT"] >= before["MEMORY_UINT"] + 10 and now, "ten scans"
        )
        scans = after["MEMORY_UINT"] - before["MEMORY_UINT"]
        assert after["MEMORY_UDINT"] - before["MEMORY_UDINT"] == 2 * scans
        assert after["MEMORY_ULINT"] - before["MEMORY_ULINT"] == 3 * scans


def test_requests_are_composed_as_the_editor_does():
    """The harness itself, against the examples of the protocol's description."""
    assert force_request(3, encode("BOOL", True)) == "42 00 03 01 00 01 01"
    assert read_request([1, 258]) == "44 00 02 00 01 01 02"
    assert hexadecimal(encode("REAL", 1.0)) == "3F 80 00 00"
    assert encode("STRING", "ab") == b"\x02ab"
    assert answer_bytes({"success": True, "data": "45 7E"}) == b"\x45\x7e"
