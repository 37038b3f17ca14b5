"""The debugger: polls a second, and memory over a million of them."""

import threading

from harness.debug_protocol import read_request
from measure.figures import milliseconds, percentile
from measure.system import memory, processor_seconds
from measure.websocket import DebugSession, command_frame

AIMS = {60: "> 3,500/s", 200: "> 2,000/s"}
UPSTREAM = {60: "570 to 700/s (50 variables)", 200: "370 to 446/s"}


def polls(figures, runtime, bundle, seconds):
    """One client, one poll after the other, as an Editor polls but without its pauses."""
    api = runtime.login()
    api.deploy(bundle.zip())
    indexes = range(len(bundle.table))
    processes = [runtime.process(name).pid for name in ("openplc-api", "openplc-core")]
    session = DebugSession(runtime.port, api.token)
    for count in (60, 200):
        assert len(indexes) >= count, f"the program has only {len(indexes)} variables"
        frame = command_frame(read_request(indexes[:count]))
        session.poll(frame, seconds=0.3)
        used = [processor_seconds(pid) for pid in processes]
        latencies = session.poll(frame, seconds=seconds)
        used = [(processor_seconds(pid) - before) / len(latencies) for pid, before in zip(processes, used, strict=True)]
        rate = len(latencies) / sum(latencies)
        figures.add(
            f"debug poll of {count} variables",
            f"{rate:,.0f}/s, p50 {milliseconds(percentile(latencies, 50))}, "
            f"p99 {milliseconds(percentile(latencies, 99))}",
            f"processor each: API {used[0] * 1e6:.0f} µs, core {used[1] * 1e6:.0f} µs",
            AIMS[count],
            UPSTREAM[count],
            per_second=rate,
            p50_ms=percentile(latencies, 50) * 1000,
            p99_ms=percentile(latencies, 99) * 1000,
        )
    session.close()


def memory_of_processes(figures, runtime, bundle, total, sessions=4):
    """With blink running, and again after `total` polls."""
    api = runtime.login()
    api.deploy(bundle.zip(), clean=True)
    names = ("openplc-launcher", "openplc-api", "openplc-core")
    pids = {name: runtime.process(name).pid for name in names}

    def sample():
        return {name: memory(pid) for name, pid in pids.items()}

    def words(sample):
        each = ", ".join(f"{name.removeprefix('openplc-')} {rss / 1e6:.1f}" for name, (rss, _) in sample.items())
        rss, pss = (sum(figure) for figure in zip(*sample.values(), strict=True))
        return f"{rss / 1e6:.1f} MB ({each}; {pss / 1e6:.1f} MB without counting shared pages twice)"

    before = sample()
    figures.add(
        "resident memory, blink running", words(before), aim="< 25 MB", upstream="135 MB",
        rss_mb=sum(rss for rss, _ in before.values()) / 1e6,
    )  # fmt: skip
    frame = command_frame(read_request(range(min(10, len(bundle.table)))))
    clients = [DebugSession(runtime.port, api.token) for _ in range(sessions)]
    errors = []

    def poll(client):
        try:
            client.poll(frame, count=total // sessions)
        except Exception as error:  # told by the caller's thread
            errors.append(error)

    threads = [threading.Thread(target=poll, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    after = sample()
    growth = sum(after[name][0] - before[name][0] for name in names)
    figures.add(
        f"resident memory after {total:,} debug polls", words(after), f"{growth / 1e6:+.2f} MB", "flat", "grows",
        rss_mb=sum(rss for rss, _ in after.values()) / 1e6, growth_mb=growth / 1e6,
    )  # fmt: skip
    for client in clients:
        client.close()
