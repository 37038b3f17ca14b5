"""Accounts, sessions, secrets and certificate after a loss of power, at any moment."""

import os
import signal
import time
from dataclasses import dataclass, field

import pytest
from power_loss.api import ApiProcess
from power_loss.disk import Disk, after_every_cut
from power_loss.trace import Recorder, can_trace, end

CUTS = int(os.environ.get("OPENPLC_POWER_CUTS", "60"))
pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(not can_trace(), reason="strace may not trace here: losses of power are not tested"),
]
PASSWORD = "correct horse battery staple"


@dataclass
class Promise:
    """What was asked for, and promised from the answer on."""

    asked: float
    answered: float
    users: frozenset
    # Sessions, and whether they are valid.
    sessions: dict = field(default_factory=dict)
    certificate: str = ""


class Day:
    """What the API is asked for."""

    def __init__(self, folder):
        self.state, self.run = folder / "state", folder / "run"
        self.state.mkdir()
        self.recorder = Recorder(self.state, folder / "trace")
        self.promises = [Promise(0.0, 0.0, frozenset())]
        self.count = 0

    def start(self):
        self.process = ApiProcess(self.state, self.run, self.recorder.start).wait_until_ready()
        self.promise(time.time(), certificate=self.process.certificate())

    def end(self, how):
        end(self.process.process, "openplc-api", how)
        self.process.close()

    def promise(self, asked, **changes):
        last = self.promises[-1]
        values = {"users": last.users, "sessions": last.sessions, "certificate": last.certificate} | changes
        self.promises.append(Promise(asked, time.time(), **values))

    def create(self, name, role="user"):
        asked = time.time()
        answer = self.api.create_user(name, PASSWORD, role)
        assert answer.status == 201, answer
        self.promise(asked, users=self.promises[-1].users | {name})

    def login(self, name):
        asked = time.time()
        token = self.process.api().login(name, PASSWORD)
        self.promise(asked, sessions=self.promises[-1].sessions | {token: True})
        return token

    def logout(self, token):
        asked = time.time()
        assert self.process.api(token).post("/api/logout").status == 200
        self.promise(asked, sessions=self.promises[-1].sessions | {token: False})

    @property
    def api(self):
        valid = [token for token, is_valid in self.promises[-1].sessions.items() if is_valid]
        return self.process.api(valid[0] if valid else None)


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    day = Day(tmp_path_factory.mktemp("day"))
    day.start()
    day.create("engineer", "admin")
    day.login("engineer")
    day.create("anna")
    token = day.login("anna")
    day.logout(token)
    day.end(signal.SIGKILL)
    day.start()
    day.create("bert")
    day.logout(day.login("bert"))
    day.end(signal.SIGTERM)
    return day


@pytest.fixture(scope="module")
def disk(day, tmp_path_factory):
    return Disk(tmp_path_factory.mktemp("empty"), day.recorder.operations())


def test_it_begins_again_after_every_cut(day, disk, tmp_path):
    sessions = day.promises[-1].sessions
    after_every_cut(disk, CUTS, tmp_path, lambda folder: observe(folder, sessions), lambda seen, cut: judge(seen, day, cut))


@dataclass
class Seen:
    """What an API said."""

    certificate: str
    has_users: bool
    # Sessions that are valid, and the users that each is told of.
    sessions: dict


def observe(folder, sessions):
    process = ApiProcess(folder / "state", folder / "run")
    try:
        process.wait_until_ready()
        seen = Seen(process.certificate(), process.api().users_info().status != 404, {})
        for token in sessions:
            if process.api(token).get("/api/whoami").status == 200:
                seen.sessions[token] = {user["username"] for user in process.api(token).users_info().json()}
        return seen
    except (OSError, AssertionError) as error:
        raise AssertionError(f"{error}\n{process.said()}") from error
    finally:
        process.kill()


def judge(seen, day, cut):
    promised = max(number for number, promise in enumerate(day.promises) if promise.answered <= cut.now)
    promise = day.promises[promised]
    # What was asked for and not answered may have happened or not.
    asked = [later for later in day.promises[promised + 1 :] if later.asked <= cut.now]
    if promise.certificate:
        assert seen.certificate == promise.certificate
    assert seen.has_users or not promise.users, "the accounts are lost"
    possible = [promise.users, *(later.users for later in asked)]
    for token, is_valid in promise.sessions.items():
        if all(later.sessions.get(token) == is_valid for later in asked):
            assert (token in seen.sessions) == is_valid, f"a session is {'' if is_valid else 'not '}ended"
    for users in seen.sessions.values():
        assert users in possible, f"{users}, but one of {possible}"
