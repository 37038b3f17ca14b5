"""Programs made for a measurement."""

from harness.programs import Variable, bundle, single_task

TYPES = ["BOOL", "INT", "DINT", "REAL", "TIME"]


def many_variables(count=250):
    """`count` variables of the usual types and little work: what a debugger with a large table open looks at."""
    variables = [Variable(f"VALUE{number}", TYPES[number % len(TYPES)]) for number in range(count)]
    return bundle(single_task("many_variables", variables, "\n  VALUE1 := VALUE1 + 1;\n"))


# When a scan began, in nanoseconds after a full millisecond of the monotonic clock.
PHASE = """{{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    data__->PHASE.value = now.tv_nsec % 1000000;
}}
"""


def wake_ups(located=0):
    """A task of 1 ms with next to no work of its own, and `located` variables in the process image. `PHASE` is that of its
    first scan."""
    outputs = [Variable(f"OUTPUT{number}", "UINT", location=f"%QW{number}") for number in range(located)]
    variables = [Variable("SCANS", "UDINT"), Variable("PHASE", "UDINT"), *outputs]
    body = f"\n  SCANS := SCANS + 1;\n  IF SCANS = 1 THEN\n{PHASE}  END_IF;\n"
    return bundle(single_task(f"wake_ups_{located}", variables, body, interval_ms=1))


def phase_watch():
    """A task of 1 ms; `PHASE` is that of its latest scan."""
    return bundle(single_task("phase_watch", [Variable("PHASE", "UDINT")], f"\n{PHASE}", interval_ms=1))
