"""Results as a table: the engine and cyclictest side by side, in microseconds."""

from dataclasses import dataclass

from measure.figures import percentile_of

PERCENTILES = (50, 99, 99.9, 99.99)
DIFFERENT = "**different**"
HEAD = [
    "kernel",
    "load",
    "scans",
    "missed",
    "",
    *(f"p{percent}" for percent in PERCENTILES),
    "max",
    "processor",
    "rerun",
]


def microseconds(nanoseconds):
    return f"{nanoseconds / 1000:.1f}"


def spread(histogram):
    return [microseconds(percentile_of(histogram, percent)) for percent in (*PERCENTILES, 100)]


def numbers(histogram):
    """As it was before it became JSON."""
    return {int(latency): count for latency, count in histogram.items()}


def figures(result):
    """What the table shows of the engine and of cyclictest."""
    return [
        [*spread(numbers(result[side])), microseconds(result[f"{side}_processor"])] for side in ("engine", "baseline")
    ]


@dataclass
class Row:
    """One kernel under one load: the same measurement, once or more often."""

    kernel: str
    load: str
    results: list

    def repeated(self):
        """How the further results compare with the first. QEMU leaves a little to chance where a guest idles: its two
        threads may take turns differently, which moves single wake-ups by nanoseconds."""
        if len(self.results) == 1:
            return "–"
        if all(result == self.results[0] for result in self.results):
            return "identical"
        return "equal" if all(figures(result) == figures(self.results[0]) for result in self.results) else DIFFERENT

    def lines(self):
        first = self.results[0]
        engine, baseline = figures(first)
        return [
            [self.kernel, self.load, f"{first['scans']:,}", str(first["skipped"]), "engine", *engine, self.repeated()],
            ["", "", f"{sum(first['baseline'].values()):,}", "", "cyclictest", *baseline, ""],
        ]

    def document(self):
        return {"kernel": self.kernel, "load": self.load, "repeated": self.repeated(), "results": self.results}


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
