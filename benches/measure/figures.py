"""Figures: samples become percentiles, and a table."""

import json
import math
from dataclasses import dataclass, field


def percentile(samples, percent):
    """The smallest sample that `percent` of all do not exceed."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def percentile_of(histogram, percent):
    """The same for a histogram, a mapping from values to how often each occurred."""
    wanted, seen = math.ceil(sum(histogram.values()) * percent / 100), 0
    for value, count in sorted(histogram.items()):
        seen += count
        if seen >= wanted:
            return value
    raise ValueError("the histogram is empty")


def milliseconds(seconds):
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:.2f} s"


@dataclass
class Figure:
    """One line of the table: `aim` and `upstream` are texts of the issue; `baseline` is of the same run."""

    what: str
    value: str
    baseline: str = ""
    aim: str = ""
    upstream: str = ""
    numbers: dict = field(default_factory=dict)


class Figures:
    def __init__(self):
        self.rows = []

    def add(self, what, value, baseline="", aim="", upstream="", **numbers):
        self.rows.append(Figure(what, value, baseline, aim, upstream, numbers))
        print(f"  {what}: {value}" + (f" ({baseline})" if baseline else ""), flush=True)

    def table(self):
        head = ["what", "measured", "machine's own limit, same run", "aim", "OpenPLC Runtime v4"]
        rows = [[row.what, row.value, row.baseline, row.aim, row.upstream] for row in self.rows]
        widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]

        def line(cells):
            return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"

        return "\n".join([line(head), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(line, rows)])

    def json(self, **about):
        rows = [{"what": row.what, "value": row.value, "baseline": row.baseline, **row.numbers} for row in self.rows]
        return json.dumps({**about, "figures": rows}, indent=2)
