"""Global variables of STruC++ programs, which several tasks use at the same time."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from harness.strucpp import Pou, Program, StrucppDebugger, Task, Variable, bundle
from harness.waiting import wait_until

WITH_LOCKS = ["threaded", "newest"]

# Executes for so many milliseconds, or until a condition holds.
BUSY = """
    timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do {{
        clock_gettime(CLOCK_MONOTONIC, &now);
    }} while (!({until}) && (now.tv_sec - begin.tv_sec) * 1000000000LL + now.tv_nsec - begin.tv_nsec < {ms} * 1000000LL);
"""


def two_tasks(name, fast, slow, variables, headers="newest"):
    """A task of 2 ms and one of 50 ms that share global variables. `fast` and `slow` are variables and a body."""
    shared = tuple(variable.name for variable in variables)
    pous = [
        Pou(program, [Variable("SCANS", "UDINT"), *own], "    SCANS = SCANS + 1;\n" + body, shared)
        for program, (own, body) in {"FAST_PROGRAM": fast, "SLOW_PROGRAM": slow}.items()
    ]
    tasks = [
        Task("FAST", 2_000_000, 0, [("FAST0", "FAST_PROGRAM")]),
        Task("SLOW", 50_000_000, 5, [("SLOW0", "SLOW_PROGRAM")]),
    ]
    return Program(name, pous, tasks, variables, headers)


@pytest.fixture
def debug(runtime, api, editor):
    sessions = []

    def begin(program):
        made = bundle(program)
        api.deploy(made.zip())
        sessions.append(editor.connect(runtime.url, api.token))
        return StrucppDebugger(sessions[-1], made.leaves)

    yield begin
    for session in sessions:
        session.disconnect()


def test_what_one_task_writes_others_see_at_once_and_the_image_when_none_executes(debug):
    """The slow task is in the middle of something while MARK is 1. The other task sees that in MARK itself, and never in the
    image, through which it looks at LOCATED."""
    shared = [Variable("MARK", "INT"), Variable("LOCATED", "UINT", location="%MW20")]
    fast = """
    if ($MARK == 1)
        DURING = DURING + 1;
    if (IMAGE == 1)
        WRONG = WRONG + 1;
    if (IMAGE == 2)
        RIGHT = RIGHT + 1;
"""
    counted = [Variable(name, "UDINT") for name in ("DURING", "RIGHT", "WRONG")]
    slow = "    $MARK := 1;\n    $LOCATED := 1;\n" + BUSY.format(until="false", ms=20) + "    $LOCATED := 2;\n    $MARK := 2;\n"
    program = two_tasks("global_in_use", ([Variable("IMAGE", "UINT", location="%MW20"), *counted], fast), ([], slow), shared)
    debugger = debug(program)
    wait_until(lambda: debugger.read("SLOW0.SCANS") > 5 and debugger.read("DURING") > 5, "both tasks to meet")
    wait_until(lambda: debugger.read("RIGHT") > 5, "the value to arrive in the image")
    assert debugger.read("WRONG") == 0


def executes_in_real_time(runtime):
    threads = Path(f"/proc/{runtime.process('openplc-core').pid}/task")
    found = [int(thread.name) for thread in threads.iterdir() if (thread / "comm").read_text().startswith("scan")]
    return all(os.sched_getscheduler(thread) & ~os.SCHED_RESET_ON_FORK == os.SCHED_FIFO for thread in found)


@pytest.mark.parametrize("headers", WITH_LOCKS)
def test_a_task_that_others_wait_for_has_their_priority(debug, runtime, headers):
    """Else a third task, which is in between, could keep it from the processor and hold them all up."""
    # Of itself: less is more urgent. It is the number behind fifteen others behind the name.
    priority = """
    const auto priority = [] {
        char text[512];
        FILE *file = fopen("/proc/thread-self/stat", "r");
        const size_t size = fread(text, 1, sizeof text - 1, file);
        fclose(file);
        text[size] = 0;
        int found = 0;
        sscanf(strrchr(text, ')') + 2, "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %d", &found);
        return found;
    };
"""
    held = BUSY.format(until="priority() < OWN", ms=40)
    slow = f"""{priority}
    OWN = priority();
    TOTAL->with_lock([&](auto *) {{{held}
        INHERITED = priority();
    }});
    AFTERWARDS = priority();
"""
    own = [Variable(name, "DINT") for name in ("OWN", "INHERITED", "AFTERWARDS")]
    program = two_tasks(
        "inheritance", ([], "    $TOTAL := $TOTAL + 1;\n"), (own, slow), [Variable("TOTAL", "UDINT")], headers
    )
    debugger = debug(program)
    if not executes_in_real_time(runtime):
        pytest.skip("tasks have priorities only where they are executed in real time")
    wait_until(lambda: debugger.read("INHERITED") < debugger.read("OWN") < 0, "the priority of the task that waits")
    own, afterwards = debugger.read_many(["OWN", "AFTERWARDS"]).values()
    assert own == afterwards


@pytest.mark.parametrize("headers", WITH_LOCKS)
def test_a_task_that_ends_the_program_holds_up_no_other(debug, runtime, api, headers):
    shared = [Variable("TOTAL", "UDINT")]
    # The other one waits for the lock by then.
    slow = f"    if (SET)\n        TOTAL->with_lock([](auto *) {{{BUSY.format(until='false', ms=20)}    exit(3);\n    }});\n"
    program = two_tasks(
        "exit_within", ([], "    $TOTAL := $TOTAL + 1;\n"), ([Variable("SET", "BOOL")], slow), shared, headers
    )
    debugger = debug(replace(program, name=f"exit_within_{headers}"))
    wait_until(lambda: debugger.read("SLOW0.SCANS") > 12, "the program to prove itself")
    core = runtime.process("openplc-core").pid
    debugger.force("SET", True)
    wait_until(lambda: api.state() == "ERROR", "the end of the program")
    assert "the program called exit(3)" in api.log_text()
    assert api.start() == "START:OK"
    wait_until(lambda: debugger.read("FAST0.SCANS") > 3, "scans")
    # Nor was there a task that had to be ended together with its process.
    assert runtime.process("openplc-core").pid == core
