"""Fixtures of the tests of the container; those of the tests of any runtime give them containers. `run` prepares what they need."""

import pytest

from container.contained import ContainedRuntime
from harness.programs import slow_to_compile
from harness.runtime import bring_to_an_end


@pytest.fixture
def container(tmp_path_factory):
    """A container that the test starts itself, with options of its own."""
    made = ContainedRuntime(tmp_path_factory.mktemp("container") / "data")
    yield made
    bring_to_an_end(made)
    print(made.log())


@pytest.fixture(scope="session")
def lasting_build(programs):
    """A program that takes the compiler long enough to be seen at it."""
    return slow_to_compile(programs.blink, amount=2)
