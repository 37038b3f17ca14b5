"""Results as a table: the engine and cyclictest side by side, in microseconds."""

from dataclasses import dataclass

from measure.figures import percentile_of

PERCENTILES = (50, 99, 99.9, 99.99)
HEAD = ["kernel", "load", "scans", "missed", "", *(f"p{percent}" for percent in PERCENTILES), "max", "rerun"]


def microseconds(nanoseconds):
    return f"{nanoseconds / 1000:.1f}"


def spread(histogram, greatest):
    return [*(microseconds(percentile_of(histogram, percent)) for percent in PERCENTILES), microseconds(greatest)]


@dataclass
class Row:
    """One kernel under one load: the same measurement, once or more often."""

    kernel: str
    load: str
    results: list

    def identical(self):
        return all(result == self.results[0] for result in self.results)

    def lines(self):
        task, cyclictest = self.results[0]["task"], self.results[0]["cyclictest"]
        latency = task["cycle_latency"]
        ours = {greatest: count for _, greatest, count in latency["histogram"]}
        baseline = {int(ns): count for ns, count in cyclictest.items()}
        rerun = "–" if len(self.results) == 1 else "identical" if self.identical() else "**different**"
        first = [self.kernel, self.load, f"{task['scan_count']:,}", str(task["skipped"])]
        return [
            [*first, "engine", *spread(ours, latency["max_ns"]), rerun],
            ["", "", f"{sum(baseline.values()):,}", "", "cyclictest", *spread(baseline, max(baseline)), ""],
        ]

    def document(self):
        return {"kernel": self.kernel, "load": self.load, "identical": self.identical(), "results": self.results}


def table(rows):
    cells = [HEAD, *(line for row in rows for line in row.lines())]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEAD))]

    def drawn(line):
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"

    return "\n".join([drawn(HEAD), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(drawn, cells[1:])])


def memory(rows):
    """What our processes hold, with the scan engine's memory locked as a whole."""
    first = rows[0].results[0]["memory"]
    return ", ".join(
        f"{name} {held['resident'] / 1e6:.1f} MB"
        + (f" ({held['locked'] / 1e6:.1f} MB locked)" if held["locked"] else "")
        for name, held in sorted(first.items())
    )
