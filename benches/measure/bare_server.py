"""The least that an HTTPS server can be, to compare with: OpenSSL, one process, one fixed answer, no parsing beyond the
end of the request. Run as a program: certificate and key as arguments, prints its port."""

import select
import socket
import ssl
import subprocess
import sys
from contextlib import contextmanager

ANSWER = (
    b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 28\r\n\r\n{"status":"STATUS:RUNNING\\n"}'
)
ANSWER = ANSWER.replace(b"28", str(len(ANSWER.split(b"\r\n\r\n")[1])).encode())


def serve(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    listener.setblocking(False)
    print(listener.getsockname()[1], flush=True)
    poller, connections, handshaking = select.epoll(), {}, set()
    poller.register(listener.fileno(), select.EPOLLIN)
    while True:
        for number, _ in poller.poll():
            if number == listener.fileno():
                plain, _ = listener.accept()
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                plain.setblocking(False)
                connection = context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
                connections[connection.fileno()] = connection
                handshaking.add(connection.fileno())
                poller.register(connection.fileno(), select.EPOLLIN)
                continue
            connection = connections[number]
            try:
                if number in handshaking:
                    connection.do_handshake()
                    handshaking.discard(number)
                received = connection.recv(65536)
                if received:
                    connection.sendall(ANSWER)
                    continue
            except ssl.SSLWantReadError:
                continue
            except OSError:
                pass
            poller.unregister(number)
            handshaking.discard(number)
            connections.pop(number).close()


@contextmanager
def running(certificate, key):
    """The server as a process of its own; yields its port."""
    process = subprocess.Popen([sys.executable, __file__, certificate, key], stdout=subprocess.PIPE, text=True)
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2])
