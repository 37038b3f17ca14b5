"""Communication blocks: a program speaks to the network through `openplc-connector`, to where the administrator allows it."""

import json
import socket
import threading

import pytest

from catalogue import single_task
from harness.debug_protocol import Debugger
from harness.programs import bundle
from harness.runtime import BINARIES
from harness.waiting import wait_until
from matiec.c_block import CBlock
from matiec.model import Variable

CODE = """\
#include <string.h>

extern "C" int connect_to_tcp_server(uint8_t *ip, uint16_t port, int method);
extern "C" int send_tcp_message(uint8_t *msg, size_t len, int id);
extern "C" int receive_tcp_message(uint8_t *buf, size_t len, int id);
extern "C" int close_tcp_connection(int id);

static int number = -1;

void setup() { }

void loop() {
  uint8_t address[] = "%(address)s", buffer[8];
  if (STEP == 0) {
    number = connect_to_tcp_server(address, %(port)d, %(method)d);
    LINK = number;
    if (number >= 0 && send_tcp_message((uint8_t *)"count", 5, number) == 5) STEP = 1;
  } else if (STEP == 1) {
    memset(buffer, 0x55, sizeof buffer);
    const int received = receive_tcp_message(buffer, 5, number);
    if (received > 0) {
      RECEIVED = RECEIVED + received;
      SPOILT = buffer[5] != 0x55;
      if (RECEIVED %% 5 == 0) send_tcp_message((uint8_t *)"count", 5, number);
    } else if (received == 0) {
      STEP = 2;
    } else if (connect_to_tcp_server(address, %(port)d, %(method)d) != number) {
      STEP = 3;
    }
  }
}
"""


def program(port, method=0, address="127.0.0.1"):
    outputs = [Variable(name, "DINT", "OUTPUT") for name in ("STEP", "LINK", "RECEIVED", "SPOILT")]
    code = CODE % {"address": address, "port": port, "method": method}
    block = CBlock("LINKED", [Variable("NOTHING", "INT", "INPUT")], outputs, code)
    variables = [Variable("BLOCK", "LINKED"), Variable("SCANS", "UDINT")]
    body = "\n  SCANS := SCANS + 1;\n  BLOCK(NOTHING := 0);\n"
    return bundle(single_task("linked", variables, body, pous=[block.pou()], c_blocks=[block]))


class Echo:
    """Sends back what it receives, over TCP or UDP."""

    def __init__(self, kind):
        self.socket = socket.socket(socket.AF_INET, kind)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.connections = []
        if kind == socket.SOCK_STREAM:
            self.socket.listen()
        threading.Thread(target=self.serve, args=[kind], daemon=True).start()

    def serve(self, kind):
        try:
            while kind == socket.SOCK_DGRAM:
                data, peer = self.socket.recvfrom(100)
                self.socket.sendto(data, peer)
            while True:
                connection, _ = self.socket.accept()
                self.connections.append(connection)
                threading.Thread(target=self.converse, args=[connection], daemon=True).start()
        except OSError:
            pass  # closed

    def converse(self, connection):
        try:
            while data := connection.recv(100):
                connection.sendall(data)
        except OSError:
            pass
        connection.close()
        self.connections.remove(connection)

    def close(self):
        self.socket.close()
        for connection in list(self.connections):
            connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def echo(request):
    echo = Echo(request.param)
    yield echo
    echo.close()


@pytest.fixture
def allow(runtime):
    folder = runtime.data / "etc"
    folder.mkdir(exist_ok=True)

    def allow(*targets):
        connector = BINARIES / "openplc-connector"
        (folder / "plugins.conf").write_text(f"communication,{connector},1,2\n")
        (folder / "communication.json").write_text(json.dumps({"allow": targets}))

    yield allow
    (folder / "plugins.conf").write_text("")


@pytest.fixture
def deployed(runtime, api, editor):
    sessions = []

    def deployed(program):
        api.deploy(program.zip())
        sessions.append(editor.connect(runtime.url, api.token))
        return Debugger(sessions[0], program.variables)

    yield deployed
    for session in sessions:
        session.disconnect()


@pytest.mark.parametrize(
    "echo, method", [(socket.SOCK_STREAM, 0), (socket.SOCK_DGRAM, 1)], indirect=["echo"], ids=["TCP", "UDP"]
)
def test_a_program_speaks_to_where_it_may(runtime, api, allow, deployed, echo, method):
    allow(f"127.0.0.1:{echo.port}")
    values = deployed(program(echo.port, method))
    wait_until(lambda: values.read("RECEIVED") >= 50, lambda: f"an echo\n{runtime.log()[-3000:]}", 30)
    assert values.read("SPOILT") == 0, "more was written than there is room for"
    if method == 0:
        # The other side ends it: the program learns that.
        echo.connections[0].shutdown(socket.SHUT_RDWR)
        wait_until(lambda: values.read("STEP") == 2, "the end of the connection")
    assert api.stop() == "STOP:OK"


@pytest.mark.parametrize("echo", [socket.SOCK_STREAM], indirect=True)
def test_all_is_closed_when_the_program_stops(runtime, api, allow, deployed, echo):
    allow("127.0.0.0/8:*")
    values = deployed(program(echo.port))
    wait_until(lambda: values.read("RECEIVED") >= 5, lambda: f"an echo\n{runtime.log()[-3000:]}", 30)
    assert len(echo.connections) == 1
    assert api.stop() == "STOP:OK"
    wait_until(lambda: not echo.connections, "the end of the connection")
    # Nothing of ours is taken for a thread that the program has left behind.
    start = runtime.output_size()
    assert api.start() == "START:OK"
    wait_until(lambda: echo.connections, "a connection of the next start", 30)
    assert "threads of its own" not in runtime.log(start)
    assert api.stop() == "STOP:OK"


@pytest.mark.parametrize("echo", [socket.SOCK_STREAM], indirect=True)
def test_nothing_is_reached_without_leave(runtime, api, allow, deployed, echo):
    values = deployed(program(echo.port))
    wait_until(lambda: "communication.json" in runtime.log(), "a line that says how", 30)
    api.stop()
    allow("127.0.0.1:1", "10.0.0.0/8:*")
    start = runtime.output_size()
    assert api.start() == "START:OK"
    wait_until(lambda: f'add "127.0.0.1:{echo.port}"' in runtime.log(start), lambda: runtime.log(start), 30)
    before = values.read("SCANS")
    wait_until(lambda: values.read("SCANS") > before, "scans to go on")
    assert not echo.connections and values.read("RECEIVED") == 0
    api.stop()
