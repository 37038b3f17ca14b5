"""HTTPS clients that cost little: a prepared request, an answer of which nothing but the length is parsed."""

import select
import socket
import ssl
import threading
import time
from collections import deque


def context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


TLS = context()


def request(path, token=None, method="GET", body=b"", close=False):
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    if close:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def connect(port):
    plain = socket.create_connection(("127.0.0.1", port))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return TLS.wrap_socket(plain)


def complete(received):
    """Whether a whole answer has come; it must be 200."""
    head = received.find(b"\r\n\r\n")
    if head < 0:
        return False
    if not received.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"answered {received[:200]!r}")
    start = received.lower().find(b"content-length:", 0, head) + 15
    length = int(received[start : received.index(b"\r\n", start)])
    return len(received) >= head + 4 + length


def exchange(connection, prepared):
    """One request, its answer."""
    connection.sendall(prepared)
    received = connection.recv(65536)
    while not complete(received):
        more = connection.recv(65536)
        if not more:
            raise RuntimeError(f"closed after {received!r}")
        received += more
    return received


def new_connections(port, prepared, clients, seconds):
    """Each request opens a connection. Returns the latencies of all and how many were answered a second."""
    latencies, stop = deque(), time.perf_counter() + seconds

    def client():
        while (start := time.perf_counter()) < stop:
            with connect(port) as connection:
                exchange(connection, prepared)
            latencies.append(time.perf_counter() - start)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return list(latencies), len(latencies) / (time.perf_counter() - start)


def kept_connections(port, prepared, clients, seconds):
    """Each client keeps its connection and sends the next request as soon as it has its answer."""
    connections = {connection.fileno(): connection for connection in (connect(port) for _ in range(clients))}
    for connection in connections.values():
        exchange(connection, prepared)  # handshake remainders (session tickets) are read here
    poller = select.epoll()
    for number in connections:
        poller.register(number, select.EPOLLIN)
    clock, latencies, received = time.perf_counter, [], dict.fromkeys(connections, b"")
    begin = clock()
    stop, sent = begin + seconds, {}
    for number, connection in connections.items():
        sent[number] = clock()
        connection.sendall(prepared)
    while (now := clock()) < stop:
        for number, _ in poller.poll():
            connection = connections[number]
            answer = received[number] + connection.recv(65536)
            if not complete(answer):
                received[number] = answer
                continue
            received[number] = b""
            now = clock()
            latencies.append(now - sent[number])
            sent[number] = now
            connection.sendall(prepared)
    for connection in connections.values():
        connection.close()
    return latencies, len(latencies) / (now - begin)
