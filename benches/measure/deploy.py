"""From upload to RUNNING, and a build against what its slowest unit costs the compiler."""

import itertools
import statistics
import time

from measure.figures import milliseconds

IDENTITIES = itertools.count(1)


def fresh(bundle):
    """The same program as one that has never been built."""
    return bundle.with_md5(f"{time.time_ns():016x}{next(IDENTITIES):016x}")


def upload_to_running(api, bundle, clean=False):
    """As an Editor that polls without its pauses."""
    archive = bundle.zip()
    start = time.perf_counter()
    answer = api.upload(archive, clean=clean)
    assert answer.status == 200, answer
    build = api.follow_build(timeout=300, interval=0.005)
    assert build.status == "SUCCESS", build.text
    assert api.state() == "RUNNING"
    return time.perf_counter() - start, build


def upload(figures, runtime, name, bundle, rounds, aim, upstream):
    api = runtime.login()
    times = [upload_to_running(api, fresh(bundle))[0] for _ in range(rounds)]
    figures.add(
        f"upload to RUNNING, {name}", f"p50 {milliseconds(statistics.median(times))}", "", aim, upstream,
        p50_s=statistics.median(times),
    )  # fmt: skip


def unchanged(figures, runtime, name, bundle, rounds):
    """A program that is known already."""
    api = runtime.login()
    upload_to_running(api, bundle)
    times = [upload_to_running(api, bundle)[0] for _ in range(rounds)]
    figures.add(
        f"upload to RUNNING, {name} unchanged", f"p50 {milliseconds(statistics.median(times))}", "", "≤ 0.2 s",
        "as the first time", p50_s=statistics.median(times),
    )  # fmt: skip
