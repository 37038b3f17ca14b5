"""Users, logins, tokens and roles."""

import base64
import hmac
import time

import jwt
import pytest

from harness.api import PATIENCE
from harness.runtime import PASSWORD
from harness.waiting import wait_until

# An authenticated answer with one of these words makes the Editor log in again.
REAUTHENTICATION_WORDS = ("unauthorized", "token", "expired")


@pytest.fixture(scope="module")
def secret(runtime, api):
    """The key that signs tokens, as an administrator can read it."""
    for path in runtime.data.rglob(".env"):
        for line in path.read_text().splitlines():
            if line.startswith("JWT_SECRET_KEY="):
                return line.split("=", 1)[1]
    raise AssertionError(f"no JWT_SECRET_KEY in any .env below {runtime.data}")


@pytest.fixture(scope="module")
def claims(api):
    return jwt.decode(api.token, options={"verify_signature": False})


def status_with(api, token):
    return api.get("/api/status", token=token)


def forge(claims, key, algorithm="HS256", **changes):
    changed = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    return jwt.encode(changed, key, algorithm=algorithm)


class TestFirstUser:
    def test_nobody_then_somebody(self, fresh_runtime):
        api = fresh_runtime.api()
        answer = api.users_info()
        assert answer.status == 404
        assert answer.json() == {"msg": "No users found"}
        assert answer.headers["X-OpenPLC-Runtime-Version"] == "v4"

        answer = api.create_user("engineer", PASSWORD)
        assert answer.status == 201, answer
        assert answer.json()["msg"] == "User created"
        assert isinstance(answer.json()["id"], int)

        answer = api.users_info()
        assert answer.status == 200
        assert answer.json() == {"msg": "Users found"}

    def test_the_first_is_an_administrator_whatever_they_ask_for(self, fresh_runtime):
        api = fresh_runtime.login()
        assert api.get("/api/whoami").json()["role"] == "admin"
        users = api.users_info().json()
        assert [(user["username"], user["role"]) for user in users] == [("engineer", "admin")]

    def test_a_user_without_a_password_is_refused(self, fresh_runtime):
        api = fresh_runtime.api()
        for body in ({}, {"username": "x"}, {"password": "x"}, {"username": "", "password": ""}, [], "x"):
            assert api.post("/api/create-user", body).status == 400, body
        assert api.users_info().status == 404

    def test_only_one_of_many_at_once_is_the_first(self, fresh_runtime):
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda i: fresh_runtime.api().create_user(f"user{i}", PASSWORD), range(8)))
        statuses = sorted(answer.status for answer in answers)
        # 429: the server hashes only so many passwords at once.
        assert statuses[0] == 201 and set(statuses[1:]) <= {401, 429}, answers


class TestLogin:
    def test_a_wrong_password_is_answered_by_a_bare_string(self, api):
        answer = api.post("/api/login", {"username": "engineer", "password": "wrong"})
        assert answer.status == 401
        assert answer.json() == "Wrong username or password"

    def test_an_unknown_user_is_answered_alike_and_as_slowly(self, api):
        def seconds(username):
            answer = api.post("/api/login", {"username": username, "password": "wrong"})
            assert (answer.status, answer.json()) == (401, "Wrong username or password")
            return answer.seconds

        # Nothing makes a login shorter than its work, and much makes it longer: the least of each kind are compared.
        known, unknown = [], []

        def alike():
            known.append(seconds("engineer"))
            unknown.append(seconds("nobody"))
            return len(known) >= 4 and 0.5 < min(unknown) / min(known) < 2

        wait_until(alike, lambda: f"known {known}, unknown {unknown}", 30)

    @pytest.mark.parametrize("body", [{}, [], "text", 5, {"username": 1, "password": 2}, b"{", b"\xff", b""], ids=repr)
    def test_no_login_without_name_and_password(self, api, body):
        answer = api.post("/api/login", body, headers={"Content-Type": "application/json"})
        assert 400 <= answer.status < 500, answer

    def test_many_logins_at_once_leave_the_status_answerable(self, api):
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(16) as pool:
            logins = [
                pool.submit(api.post, "/api/login", {"username": "engineer", "password": f"wrong{i}"}, timeout=60)
                for i in range(16)
            ]
            while not all(login.done() for login in logins):
                assert api.get("/api/status").seconds < PATIENCE
            # Refusing for want of capacity is an answer as well; hanging is not.
            assert {login.result().status for login in logins} <= {401, 429, 503}


class TestBadTokens:
    """401 for each, so that the Editor logs in again by itself."""

    def test_none(self, api):
        answer = type(api)(api.port).get("/api/status")
        assert answer.status == 401, answer

    @pytest.mark.parametrize("token", ["x", "a.b.c", "..", "é", "x" * 7000, "null"])
    def test_rubbish(self, api, token):
        header = {"Authorization": f"Bearer {token}".encode("utf-8").decode("latin-1")}
        answer = type(api)(api.port).get("/api/status", headers=header)
        assert answer.status == 401, answer

    @pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic {}", "{}", "Token {}"])
    def test_another_header(self, api, header):
        answer = type(api)(api.port).get("/api/status", headers={"Authorization": header.format(api.token)})
        assert answer.status == 401, answer

    def test_signed_with_another_key(self, api, claims):
        assert status_with(api, forge(claims, "0" * 64)).status == 401

    def test_signed_with_no_key(self, api, claims):
        assert status_with(api, forge(claims, None, "none")).status == 401
        signed = forge(claims, "x").rsplit(".", 1)[0]
        mac = hmac.digest(b"", signed.encode(), "sha256")
        assert status_with(api, f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}").status == 401

    def test_another_algorithm(self, api, claims, secret):
        assert status_with(api, forge(claims, secret)).status == 200, "the key is the one that signs"
        assert status_with(api, forge(claims, secret, "HS384")).status == 401
        assert status_with(api, forge(claims, secret, "HS512")).status == 401

    def test_expired(self, api, claims, secret):
        now = int(time.time())
        assert status_with(api, forge(claims, secret, exp=now + 30)).status == 200
        answer = status_with(api, forge(claims, secret, iat=now - 7200, nbf=now - 7200, exp=now - 3600))
        assert answer.status == 401, answer
        assert "expired" in answer.text.lower()

    def test_without_expiry(self, api, claims, secret):
        assert status_with(api, forge(claims, secret, exp=None)).status == 401

    @pytest.mark.parametrize("subject", ["9999", "0", "-1", "", "engineer", "1 OR 1=1", None])
    def test_of_nobody(self, api, claims, secret, subject):
        assert status_with(api, forge(claims, secret, sub=subject)).status == 401

    def test_with_a_changed_role_grants_nothing(self, api, runtime, claims, secret):
        api.create_user("operator", PASSWORD)
        operator = api.as_user("operator", PASSWORD)
        theirs = jwt.decode(operator.token, options={"verify_signature": False})
        forged = forge(theirs, "0" * 64, role="admin", sub=claims["sub"])
        assert operator.post("/api/create-user", {"username": "x", "password": PASSWORD}, token=forged).status == 401

    def test_lasts_a_quarter_of_an_hour_or_more(self, claims):
        assert claims["exp"] - claims["iat"] >= 15 * 60

    def test_protects_everything(self, api):
        anonymous = type(api)(api.port)
        for path in ("status", "start-plc", "stop-plc", "runtime-logs", "compilation-status", "serial-ports", "ping",
                     "whoami", "get-user-info/1", "cold-start-plc", "retain-status", "switch"):  # fmt: skip
            assert anonymous.get(f"/api/{path}").status == 401, path
        assert anonymous.upload(b"PK").status == 401
        assert anonymous.post("/api/logout").status == 401
        assert anonymous.request("DELETE", "/api/delete-user/1").status == 401
        assert anonymous.request("PUT", "/api/update-user/1", {"username": "x"}).status == 401


class TestRevocation:
    def test_logout_ends_a_token_and_only_that(self, api):
        first, second = (api.as_user("engineer", PASSWORD) for _ in range(2))
        answer = first.post("/api/logout")
        assert (answer.status, answer.json()) == (200, {"msg": "User logged out successfully"})
        assert first.get("/api/status").status == 401
        assert second.get("/api/status").status == 200

    def test_a_deleted_user_is_out_at_once(self, api):
        assert api.create_user("leaver", PASSWORD).status == 201
        leaver = api.as_user("leaver", PASSWORD)
        identity = leaver.get("/api/whoami").json()["id"]
        assert api.request("DELETE", f"/api/delete-user/{identity}").status == 200
        assert leaver.get("/api/status").status == 401

    def test_a_changed_password_ends_the_token_that_changed_it(self, api):
        assert api.create_user("changer", PASSWORD).status == 201
        changer = api.as_user("changer", PASSWORD)
        path = f"/api/update-user/{changer.get('/api/whoami').json()['id']}"
        new = PASSWORD + "!"
        assert changer.request("PUT", path, {"password": new}).status == 400
        assert changer.request("PUT", path, {"password": new, "current_password": "wrong"}).status == 403
        assert changer.request("PUT", path, {"password": new, "current_password": PASSWORD}).status == 200
        assert changer.get("/api/status").status == 401
        changer.login("changer", new)
        assert changer.post("/api/login", {"username": "changer", "password": PASSWORD}).status == 401


class TestRoles:
    @pytest.fixture(scope="class")
    def operator(self, api):
        answer = api.create_user("role-tester", PASSWORD)
        assert answer.status == 201 and answer.json()["role"] == "user", answer
        return api.as_user("role-tester", PASSWORD)

    def test_strangers_create_nobody(self, api):
        answer = type(api)(api.port).create_user("stranger", PASSWORD)
        assert answer.status == 401, answer

    def test_a_name_is_taken_once(self, api):
        answer = api.create_user("engineer", PASSWORD)
        assert answer.status == 409, answer

    def test_there_are_two_roles(self, api):
        answer = api.create_user("king", PASSWORD, role="king")
        assert answer.status == 400, answer

    def test_users_manage_no_users(self, api, operator):
        admin = api.get("/api/whoami").json()["id"]
        own = operator.get("/api/whoami").json()["id"]
        answers = [
            operator.create_user("friend", PASSWORD),
            operator.request("DELETE", f"/api/delete-user/{admin}"),
            operator.request("PUT", f"/api/update-user/{admin}", {"password": "stolen password"}),
            operator.request("PUT", f"/api/update-user/{own}", {"role": "admin"}),
        ]
        assert [answer.status for answer in answers] == [403] * 4, answers
        for answer in answers:
            assert not any(word in answer.text.lower() for word in REAUTHENTICATION_WORDS), answer

    def test_users_operate_the_plc(self, operator):
        assert operator.get("/api/status").status == 200
        assert operator.get("/api/start-plc").status == 200

    def test_the_last_administrator_stays(self, api):
        own = api.get("/api/whoami").json()["id"]
        assert api.request("DELETE", f"/api/delete-user/{own}").status == 403
        assert api.request("PUT", f"/api/update-user/{own}", {"role": "user"}).status == 409

    def test_a_demotion_takes_effect_at_once(self, api):
        identity = api.create_user("second-admin", PASSWORD, role="admin").json()["id"]
        second = api.as_user("second-admin", PASSWORD)
        assert second.create_user("made-by-second", PASSWORD).status == 201
        assert api.request("PUT", f"/api/update-user/{identity}", {"role": "user"}).status == 200
        assert second.create_user("too-late", PASSWORD).status == 403
