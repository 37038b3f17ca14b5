"""What must not change while a program runs for long."""

import os
import statistics
import time
from dataclasses import dataclass

from harness.debug_protocol import read_request
from measure.control_socket import ControlSocket
from measure.programs import phase_watch
from measure.system import memory
from measure.websocket import DebugSession, command_frame

PROCESSES = ("openplc-launcher", "openplc-api", "openplc-core")
PERIOD_NS = 1_000_000
# Wake-up latency moves the median phase of two minutes apart by less than this.
DRIFT_NS = 100_000
GROWTH_BYTES = 1_000_000
# The Editor polls the debugger so often, and the status every tenth time.
POLL = 0.05


@dataclass
class Sample:
    at: float
    scans: int
    skipped: int
    phase_ns: float
    resident: int
    descriptors: int
    threads: int
    unanswered: int

    def __str__(self):
        return (
            f"{self.scans:>12,} {self.skipped:>8,} {self.phase_ns / 1000:>10.1f} {self.resident / 1e6:>12.2f}"
            f" {self.descriptors:>12} {self.threads:>8}"
        )

    def problems_since(self, first):
        problems = []
        due = (self.at - first.at) * 1e9 / PERIOD_NS
        happened = self.scans + self.skipped - first.scans - first.skipped
        # Each sample's count was taken at some moment of its request.
        if abs(happened - due) > 100:
            problems.append(f"{happened} periods were counted where {due:.0f} passed")
        # The phase is an angle: just before and just after a full period are close.
        drift = (self.phase_ns - first.phase_ns + PERIOD_NS / 2) % PERIOD_NS - PERIOD_NS / 2
        if abs(drift) > DRIFT_NS:
            problems.append(f"the phase moved by {drift / 1000:.0f} µs")
        if self.resident - first.resident > GROWTH_BYTES:
            problems.append(f"memory grew by {(self.resident - first.resident) / 1e6:.2f} MB")
        if self.descriptors > first.descriptors:
            problems.append(f"descriptors grew from {first.descriptors} to {self.descriptors}")
        if self.threads > first.threads:
            problems.append(f"threads grew from {first.threads} to {self.threads}")
        if self.unanswered:
            problems.append(f"{self.unanswered} polls of the debugger were not answered")
        return problems


class Watch:
    HEAD = "       scans  skipped   phase µs  resident MB  descriptors  threads"

    def __init__(self, runtime):
        bundle = phase_watch()
        self.api = runtime.login()
        self.api.deploy(bundle.zip())
        self.core = ControlSocket(runtime.data / "run" / "plc_runtime.socket")
        self.session = DebugSession(runtime.port, self.api.token)
        self.frame = command_frame(read_request([bundle.variables["PHASE"].index]))
        self.unanswered = 0
        self.pids = [runtime.process(name).pid for name in PROCESSES]

    def go_on(self, seconds):
        """Does what an Editor does."""
        until, polls = time.monotonic() + seconds, 0
        while time.monotonic() < until:
            try:
                self.session.poll(self.frame, count=1)
            except RuntimeError as refused:
                print(f"{time.strftime('%H:%M:%S')} a poll was not answered: {refused}", flush=True)
                self.unanswered += 1
            polls += 1
            if polls % 10 == 0:
                self.api.status(stats=True)
            time.sleep(POLL)

    def phase(self):
        """Median phase of scans, in ns after a full period, as an angle around the first one seen."""
        seen = []
        for _ in range(101):
            seen.append(self.core.value(".PHASE"))
            time.sleep(0.003)
        around = seen[0]
        return (
            statistics.median((value - around + PERIOD_NS / 2) % PERIOD_NS for value in seen) + around - PERIOD_NS / 2
        )

    def sample(self):
        task = self.core.task()
        at = time.monotonic()
        held = [
            (memory(pid)[0], len(os.listdir(f"/proc/{pid}/fd")), len(os.listdir(f"/proc/{pid}/task")))
            for pid in self.pids
        ]
        resident, descriptors, threads = (sum(column) for column in zip(*held, strict=True))
        figures = task["scan_count"], task["skipped"]
        return Sample(at, *figures, self.phase(), resident, descriptors, threads, self.unanswered)
