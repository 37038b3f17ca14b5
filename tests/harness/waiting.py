"""Waiting for a condition instead of for a while. The limit is for what never comes: a busy computer may take long."""

import time


def wait_until(condition, what, timeout=60.0, interval=0.01):
    """Calls `condition` until it is true and returns what it returned. `what` is a text, or makes one when it failed."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what() if callable(what) else what}")
        time.sleep(interval)
