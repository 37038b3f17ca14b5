"""The REST API: latency and throughput of `status`, and what a login costs beyond its hash."""

import hashlib
import json
import statistics
import time

from harness.runtime import PASSWORD
from measure import bare_server
from measure.figures import milliseconds, percentile
from measure.https import connect, exchange, kept_connections, new_connections, request
from measure.system import processor_seconds

UPSTREAM = {
    ("new connection", 1): "p50 22.7 ms, 44/s",
    ("new connection", 8): "p50 82 ms, 95/s",
    ("keep-alive", 1): "p50 21.9 ms",
}
AIMS = {("new connection", 1): "p50 ≤ 3 ms", ("keep-alive", 1): "p50 ≤ 0.5 ms", ("keep-alive", 32): "> 3,000/s"}


def text(latencies, rate):
    return (
        f"p50 {milliseconds(percentile(latencies, 50))}, p99 {milliseconds(percentile(latencies, 99))}, {rate:,.0f}/s"
    )


def status(figures, runtime, certificate, key, seconds):
    """With and without a new connection each, against the least that an HTTPS server can be."""
    api = runtime.login()
    prepared = request("/api/status", api.token)
    server = runtime.process("openplc-api").pid
    with bare_server.running(certificate, key) as bare:
        for kind, measure, counts in (
            ("new connection", new_connections, (1, 8, 32)),
            ("keep-alive", kept_connections, (1, 32)),
        ):
            for clients in counts:
                measure(runtime.port, prepared, clients, 0.3)
                bare_latencies, bare_rate = measure(bare, prepared, clients, seconds)
                used = processor_seconds(server)
                latencies, rate = measure(runtime.port, prepared, clients, seconds)
                used = (processor_seconds(server) - used) / len(latencies)
                ratio = percentile(latencies, 50) / percentile(bare_latencies, 50)
                figures.add(
                    f"`status`, {kind}, {clients} client{'s' if clients > 1 else ''}",
                    f"{text(latencies, rate)}; {used * 1e6:.0f} µs of processor in the API each",
                    f"bare TLS server {text(bare_latencies, bare_rate)}; p50 × {ratio:.2f}",
                    AIMS.get((kind, clients), ""),
                    UPSTREAM.get((kind, clients), ""),
                    p50_ms=percentile(latencies, 50) * 1000,
                    p99_ms=percentile(latencies, 99) * 1000,
                    per_second=rate,
                    baseline_p50_ms=percentile(bare_latencies, 50) * 1000,
                    baseline_per_second=bare_rate,
                )


def login(figures, runtime, rounds):
    """Against PBKDF2 itself; in turns, so that both see the same machine."""
    runtime.login()
    body = json.dumps({"username": "engineer", "password": PASSWORD}).encode()
    prepared = request("/api/login", method="POST", body=body)
    bare, logins = [], []
    with connect(runtime.port) as connection:
        exchange(connection, request("/api/version"))
        for _ in range(rounds):
            start = time.perf_counter()
            hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), b"0123456789abcdef", 600_000)
            bare.append(time.perf_counter() - start)
            start = time.perf_counter()
            exchange(connection, prepared)
            logins.append(time.perf_counter() - start)
    ratio = statistics.median(logins) / statistics.median(bare)
    figures.add(
        "login",
        f"p50 {milliseconds(statistics.median(logins))}",
        f"bare PBKDF2 of OpenSSL {milliseconds(statistics.median(bare))}; × {ratio:.2f}",
        "≤ 1.10 × PBKDF2",
        "149 ms",
        p50_ms=statistics.median(logins) * 1000,
        baseline_p50_ms=statistics.median(bare) * 1000,
    )
