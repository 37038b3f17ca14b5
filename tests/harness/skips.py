"""What was not tested, for the list that the test command ends with."""

import os
from collections import Counter
from pathlib import Path

# The list, to which every step of the test command adds a line that begins with `SKIPPED: `.
LIST = os.environ.get("OPENPLC_SKIPPED")


def reasons(reports):
    """One line for each file and reason, with the number of tests."""
    found = Counter()
    for report in reports:
        _, _, reason = report.longrepr
        found[report.nodeid.split("::")[0], reason.removeprefix("Skipped: ")] += 1
    return [f"{file}: {reason} ({count} {'test' if count == 1 else 'tests'})" for (file, reason), count in found.items()]


def add_to_the_list(reports):
    """Tests that were skipped by themselves; a whole step that cannot run says so in its script."""
    if LIST:
        with Path(LIST).open("a") as file:
            file.writelines(f"SKIPPED: {line}\n" for line in reasons(reports))
