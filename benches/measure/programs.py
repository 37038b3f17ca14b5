"""Programs made for a measurement."""

from harness.programs import Variable, bundle, single_task

TYPES = ["BOOL", "INT", "DINT", "REAL", "TIME"]


def many_variables(count=250):
    """`count` variables of the usual types and little work: what a debugger with a large table open looks at."""
    variables = [Variable(f"VALUE{number}", TYPES[number % len(TYPES)]) for number in range(count)]
    return bundle(single_task("many_variables", variables, "\n  VALUE1 := VALUE1 + 1;\n"))
