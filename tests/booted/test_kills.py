"""kill -9 of each process fifty times, at random moments and under load: it comes back, and the PLC does what it was commanded."""

import os
import random
import re
import threading
import time

import pytest

from harness.debug_protocol import MD5
from harness.python_client import PythonClient
from harness.runtime import PASSWORD
from harness.scans import Scans
from harness.waiting import wait_until

from booted.conftest import cursor
from booted.plant import STATE

KILLS = 50
# Seconds for anything to happen: what is asked is whether it does.
PATIENCE = 60
VICTIMS = ("openplc-api", "openplc-core", "openplc-compile")
SERVICES = ("openplc-api.service", "openplc-core.service")
# Repeats a run that has failed.
SEED = int(os.environ.get("OPENPLC_TEST_SEED", time.time_ns() % 1_000_000))


class Load:
    """Clients that go on whatever becomes of their server: one that builds, one that polls, one that debugs."""

    def __init__(self, plant, api, archive):
        self.plant, self.api, self.archive = plant, api, archive
        self.ending = threading.Event()
        self.refused = []
        self.done = dict.fromkeys(("builds", "polls", "frames"), 0)
        self.threads = [
            threading.Thread(target=self.repeat, args=[work]) for work in (self.build, self.poll, self.debug)
        ]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        for thread in self.threads:
            thread.join()

    def repeat(self, work):
        while not self.ending.is_set():
            try:
                work()
            except Exception:  # noqa: BLE001 a killed server shows in as many ways as there are clients
                self.ending.wait(0.02)

    def build(self):
        if self.api.upload(self.archive, clean=True, timeout=5).status == 200:
            self.api.follow_build(timeout=20)
            self.done["builds"] += 1

    def poll(self):
        for path in ("/api/status?include_stats=true", "/api/runtime-logs", "/api/compilation-status"):
            answer = self.api.get(path, timeout=5)
            if answer.status != 200:
                self.refused.append(answer)
            self.done["polls"] += 1

    def debug(self):
        client = PythonClient(self.plant.url, self.api.token, ["websocket"])
        try:
            while not self.ending.is_set():
                client.command(MD5)
                self.done["frames"] += 1
        finally:
            client.disconnect()


def restarts(plant):
    return {unit: int(plant.machine.properties(unit, "NRestarts")["NRestarts"]) for unit in SERVICES}


def kill(plant, name):
    """Whichever process of that name there is: it may end, and another come, while we look."""
    victim = None
    while victim is None:
        victim = wait_until(lambda: plant.started(name), f"a process {name}", PATIENCE)[0]
        try:
            victim.kill()
        except ProcessLookupError:
            victim = None
    wait_until(lambda: victim.pid not in {p.pid for p in plant.started(name)}, f"the end of {victim}", PATIENCE)


def leftovers(plant):
    """Files that a process makes for a moment, and processes of builds."""
    places = f"{STATE} /run/openplc-core /run/openplc-compile-* /run/private/openplc-compile-*"
    found = plant.machine.output(
        "sh", "-c", f"find {places} -name '.tmp*' -o -name '*-journal' -o -path '*compile-*'", check=False
    )
    names = ("openplc-compile", "cc1plus", "g++", "as", "ld")
    return [*found.split(), *(process for name in names for process in plant.machine.processes(name))]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("state", ["RUNNING", "STOPPED"])
def test_killed_again_and_again_under_load(plant, api, editor, programs, witness, state):
    print(f"OPENPLC_TEST_SEED={SEED}")
    chance = random.Random(f"{SEED} {state}")
    blink = programs.blink
    api.deploy(blink.zip())
    if state == "STOPPED":
        assert api.stop() == "STOP:OK"
    before, start = restarts(plant), cursor(plant.machine)
    # Builds of a program that runs put it into scan again; those of a broken one leave a stopped PLC stopped.
    archive = (blink if state == "RUNNING" else programs.broken).zip()
    victims = chance.sample(VICTIMS, counts=[KILLS // 2] * len(VICTIMS), k=KILLS // 2 * len(VICTIMS))
    with Load(plant, api, archive) as load:
        wait_until(lambda: all(load.done.values()), lambda: f"load of each kind: {load.done}")
        for number, victim in enumerate(victims):
            time.sleep(chance.uniform(0, 0.2))
            kill(plant, victim)
            wait_until(
                lambda: api.state() == state,
                lambda: f"{state} after kill {number}, of {victim}: {api.status()}",
                PATIENCE,
            )
    print(load.done)
    # No client was ever asked to log in again, or told that something is broken.
    assert load.refused == []
    # Each restart is one of our kills, or of a watchdog whose process got no time at all on an overloaded computer; it may end
    # a process in the moment in which we kill it.
    entries = plant.machine.journal(f"--after-cursor={start}")
    messages = [str(entry["MESSAGE"]) for entry in entries]
    for unit, count in restarts(plant).items():
        starved = len([text for text in messages if text.startswith(f"{unit}: Watchdog timeout")])
        assert abs(count - before[unit] - KILLS // 2) <= starved, f"{unit}: {count}, {starved} by the watchdog"

    wait_until(lambda: not leftovers(plant), lambda: f"nothing left behind: {leftovers(plant)}")
    plant.debugger(editor, api, blink).client.disconnect()
    assert api.as_user("engineer", PASSWORD).state() == state
    if state == "STOPPED":
        assert api.start() == "START:OK"
    wait_until(lambda: api.scan_count() > 50, "the first second of scans")
    scans = Scans(api, witness)
    wait_until(lambda: api.scan_count() > 100, "scans")
    scans.check()
    word = state.lower()
    of_the_core = [str(entry["MESSAGE"]) for entry in entries if entry.get("SYSLOG_IDENTIFIER") == "openplc-core"]
    resumed = [text for text in of_the_core if re.fullmatch(rf"Program \S+ is {word} as before", text)]
    # One may be killed before it has said so.
    assert len(resumed) >= KILLS // 2 - 2, of_the_core[-50:]
