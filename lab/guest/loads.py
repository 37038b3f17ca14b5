"""The loads of a guest by their names."""

from contextlib import nullcontext
from pathlib import Path

from harness.api import Api
from measure import loads

PORT = 8443
ACCOUNT = {"username": "engineer", "password": "correct horse battery staple"}
# A guest hashes a password for seconds.
PATIENCE = 300


def token():
    api = Api(PORT)
    api.post("/api/create-user", {**ACCOUNT, "role": "user"}, timeout=PATIENCE)
    return api.post("/api/login", ACCOUNT, timeout=PATIENCE).json()["access_token"]


LOADS = {
    "idle": nullcontext,
    "api": lambda: loads.api(PORT, token()),
    "debug": lambda: loads.debug(PORT, token()),
    "build": lambda: loads.build(PORT, token(), Path("/lab/build.zip").read_bytes()),
    "hackbench": loads.hackbench,
}
