"""Programs of the tests only: fast, slow, and those that do harm while their variable TRIGGER is forced."""

from __future__ import annotations

from dataclasses import replace

from catalogue import BLINK, single_task
from matiec.c_block import CBlock
from matiec.model import Pou, Program, Structure, Variable


def harmful(name: str, harm: str, **more) -> Program:
    """Runs well until TRIGGER becomes true, and then does `harm`."""
    return single_task(
        name,
        [Variable("SCANS", "UDINT"), Variable("TRIGGER", "BOOL"), *more.pop("variables", [])],
        f"\n  SCANS := SCANS + 1;\n{harm}\n",
        **more,
    )


THROWER = CBlock(
    "THROWER",
    [Variable("NOW", "BOOL", "INPUT")],
    [Variable("CALLS", "UDINT", "OUTPUT")],
    """\
#include <stdexcept>

void setup() {
  CALLS = 0;
}

void loop() {
  CALLS++;
  if (NOW) throw std::runtime_error("the block gave up");
}
""",
)

# Calls exit() where an exception could not get out, from a thread of its own with NOW = 2, and crashes with NOW = 3.
QUITTER = CBlock(
    "QUITTER",
    [Variable("NOW", "INT", "INPUT")],
    [Variable("CALLS", "UDINT", "OUTPUT")],
    """\
#include <stdlib.h>
#include <string>
#include <thread>
#include <unistd.h>

static void quit() noexcept {
  std::string local(100, 'x');
  try { exit(1); } catch (...) { }
}

void setup() {
  CALLS = 0;
}

void loop() {
  CALLS++;
  if (NOW == 1) quit();
  if (NOW == 2) std::thread([] { _exit(2); }).detach();
  if (NOW == 3) *(volatile int *)0 = 1;
}
""",
)

FAST = single_task(
    "fast",
    [Variable("SCANS", "UDINT"), Variable("LAMP", "BOOL", location="%QX0.0")],
    "\n  SCANS := SCANS + 1;\n  LAMP := NOT LAMP;\n",
    interval_ms=1,
)

# Every scan takes 25 ms of a period of 10 ms.
SLOW = single_task(
    "slow",
    [Variable("SCANS", "UDINT")],
    """
  SCANS := SCANS + 1;
{{
  struct timespec begin, now;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  do {
    clock_gettime(CLOCK_MONOTONIC, &now);
  } while ((now.tv_sec - begin.tv_sec) * 1000000000LL + now.tv_nsec - begin.tv_nsec < 25000000LL);
}}
""",
    interval_ms=10,
)

# Calls the host's TCP functions, as the communication blocks of the Editor do. Port 9 (discard) refuses.
COMMUNICATION = single_task(
    "communication",
    [Variable("CONNECTION", "INT"), Variable("SENT", "INT"), Variable("RECEIVED", "INT"), Variable("CLOSED", "INT")],
    """
{{
  uint8_t address[] = "127.0.0.1", bytes[4] = {1, 2, 3, 4};
  int connection = connect_to_tcp_server(address, 9, 0);
  data__->CONNECTION.value = connection;
  data__->SENT.value = send_tcp_message(bytes, sizeof(bytes), connection);
  data__->RECEIVED.value = receive_tcp_message(bytes, sizeof(bytes), connection);
  data__->CLOSED.value = close_tcp_connection(connection);
}}
""",
    interval_ms=100,
)

# A retained variable in every place that there is, and one neighbour that is not. A block whose instance is retained is so as
# a whole; in another only what it declares RETAIN itself. COUNT is a scan's number, and so are the others, each in its way.
TALLY = Pou(
    "TALLY",
    [Variable("TOTAL", "UDINT", "OUTPUT", retain=True), Variable("FORGOTTEN", "UDINT")],
    "\n  TOTAL := TOTAL + 1;\n  FORGOTTEN := FORGOTTEN + 1;\n",
)
RETAINING = single_task(
    "retaining",
    [
        Variable("SCANS", "UDINT"),
        Variable("COUNT", "UDINT", retain=True),
        Variable("RECIPE", "STRING", retain=True, initial="'oak'"),
        Variable("PAUSE", "TIME", retain=True, initial="T#5s"),
        Variable("LEVEL", "LREAL", retain=True),
        Variable("WIDE", "INT", retain=True),
        Variable("NUMBERS", "ARRAY [1..3] OF DINT", retain=True),
        Variable("MOTOR", "DRIVE", retain=True),
        Variable("PARTS", "TALLY", retain=True),
        Variable("OTHERS", "TALLY"),
        Variable("KEPT", "UDINT", retain=True, location="%MD3"),
        Variable("SWITCHED", "UDINT", retain=True, location="%QD2"),
        Variable("NOT_KEPT", "UDINT", location="%MD5"),
        Variable("HOURS", "UDINT", "EXTERNAL"),
    ],
    """
  SCANS := SCANS + 1;
  COUNT := COUNT + 1;
  LEVEL := LEVEL + 0.5;
  NUMBERS[1] := NUMBERS[1] + 1;
  NUMBERS[3] := NUMBERS[1] * 3;
  MOTOR.SPEED := MOTOR.SPEED + 1;
  PARTS();
  OTHERS();
  KEPT := KEPT + 1;
  SWITCHED := SWITCHED + 1;
  NOT_KEPT := NOT_KEPT + 1;
  HOURS := HOURS + 1;
""",
    interval_ms=5,
    pous=[TALLY],
    structures=[Structure("DRIVE", [("RUNNING", "BOOL"), ("SPEED", "DINT")])],
    globals=[
        Variable("HOURS", "UDINT", retain=True),
        Variable("SHIFTS", "ARRAY [0..1] OF INT", retain=True),
        Variable("FORGETFUL", "UDINT"),
    ],
)

SCENARIOS = [
    RETAINING,
    replace(RETAINING, name="retaining_elements", element_rows=True),
    COMMUNICATION,
    FAST,
    SLOW,
    harmful("endless", "  WHILE TRIGGER DO\n    SCANS := SCANS;\n  END_WHILE;"),
    harmful("crash", "  IF TRIGGER THEN\n{{\n    *(volatile int *)0 = 1;\n}}\n  END_IF;"),
    # As above, but past the handler that would record it.
    harmful(
        "silent_crash",
        """  IF TRIGGER THEN
{{
    extern long set_signal(int, long) __asm__("signal");
    set_signal(11, 0);
    *(volatile int *)0 = 1;
}}
  END_IF;""",
    ),
    harmful(
        "exception",
        "  THROWER0(NOW := TRIGGER);",
        variables=[Variable("THROWER0", "THROWER")],
        pous=[THROWER.pou()],
        c_blocks=[THROWER],
    ),
    *(
        harmful(
            name,
            f"  IF TRIGGER THEN\n    WAY := {way};\n  END_IF;\n  QUITTER0(NOW := WAY);",
            variables=[Variable("WAY", "INT"), Variable("QUITTER0", "QUITTER")],
            pous=[QUITTER.pou()],
            c_blocks=[QUITTER],
        )
        for name, way in [("exit", 1), ("exit_of_a_thread", 2), ("crash_in_a_block", 3)]
    ),
    # An error in the code that MatIEC made, where the Editor cannot have looked.
    Program(
        "broken_pous", BLINK.pous, BLINK.tasks, replacements={"POUS.c": ("data__->SCANS,) + 1", "data__->SCAN,) + 1")}
    ),
]
