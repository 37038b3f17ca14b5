"""The example plugins do what their documentation says, the way an administrator installs them."""

import json
import os
import shutil
import subprocess

import pytest

from harness.debug_protocol import Debugger
from harness.plugins import plugins, wait_for, wait_logged
from harness.programs import bundle, single_task
from harness.runtime import BINARIES, REPOSITORY
from harness.waiting import wait_until
from matiec.model import Variable

EXAMPLES = REPOSITORY / "examples" / "plugins"

PROGRAM = bundle(
    single_task(
        "examples",
        [
            Variable("WAVE", "BOOL", location="%IX0.0"),
            Variable("LAMP", "BOOL", location="%QX0.0"),
            Variable("WEATHER", "UINT", location="%IW101"),
            Variable("TEMPERATURE", "DINT", location="%ID0"),
            Variable("EDGES", "UDINT"),
            Variable("BEFORE", "BOOL"),
        ],
        """
  LAMP := WAVE;
  IF WAVE <> BEFORE THEN
    EDGES := EDGES + 1;
  END_IF;
  BEFORE := WAVE;
""",
    )
)


@pytest.fixture
def values(runtime, api, editor):
    session = editor.connect(runtime.url, api.token)
    yield Debugger(session, PROGRAM.variables)
    session.disconnect()


def deploy(api):
    """Another program each time: an unchanged one would not look at plugins.conf anew."""
    api.deploy(PROGRAM.with_md5(os.urandom(16).hex()).zip())


def test_c(runtime, api, administrator, values, tmp_path):
    include = tmp_path / "include"
    include.mkdir()
    (include / "openplc").symlink_to(REPOSITORY / "crates" / "openplc-plugin-abi" / "include")
    library = tmp_path / "square_wave.so"
    options = ["-shared", "-fPIC", "-O2", "-Wall", "-Werror", f"-I{include}"]
    subprocess.run(["gcc", *options, EXAMPLES / "c" / "square_wave.c", "-o", library, "-lpthread"], check=True)
    administrator.write(f"square_wave,{library},1,1,")
    deploy(api)
    wait_for(runtime, api, "square_wave")
    wait_until(lambda: values.read("EDGES") >= 3, "a wave")
    wait_logged(api, "square_wave: the lamp is on")
    wait_until(lambda: api.stats()["plugin_stats"]["square_wave"]["fields"][0].get("value", 0) >= 1, "the figures")


def test_python(runtime, api, administrator, values, tmp_path):
    numbers = tmp_path / "numbers"
    administrator.write(
        f"weather,{EXAMPLES / 'python' / 'weather.py'},1,0,weather.json",
        weather={"file": str(numbers), "first_word": 100},
    )
    deploy(api)
    wait_logged(api, "cannot be used")
    numbers.write_text("1\n65000\n")
    wait_until(lambda: values.read("WEATHER") == 65000, "the second number at %IW101")


def test_rust(runtime, api, administrator, values, tmp_path):
    program = BINARIES / "examples" / "thermometer"
    if not program.exists():
        pytest.skip("build it first: cargo build -p openplc-plugin --example thermometer")
    sensor = tmp_path / "temp"
    sensor.write_text("-2500\n")
    administrator.write(
        f"thermometer,{program},1,2,thermometer.json",
        thermometer={"file": str(sensor), "address": "%ID0", "every_ms": 50},
    )
    deploy(api)
    wait_for(runtime, api, "thermometer")
    wait_until(lambda: values.read("TEMPERATURE") == -2500, "the temperature at %ID0")
    answer = api.post("/api/plugin-command", {"plugin": "thermometer", "command": "ping", "params": {"n": 1}}).json()
    assert answer == {"pong": {"n": 1}}
    sensor.unlink()
    wait_until(lambda: "cannot be read" in (plugins(api)["thermometer"]["last_error"] or ""), "the failure")
    api.stop()
    wait_for(runtime, api, "thermometer", "stopped")


def test_environments(tmp_path):
    """`openplcctl venv`, without the network: nothing is installed but what venv brings."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "OPENPLC_VENV_FOLDER": str(tmp_path / "venvs")}

    def venv(*arguments, code=0):
        done = subprocess.run(
            [BINARIES / "openplcctl", "venv", *arguments], env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == code, done
        return done.stdout + done.stderr

    if not shutil.which("python3"):
        pytest.skip("there is no python3")
    python = shutil.which("python3")
    assert "There are no environments" in venv("list")
    venv("create", "mine", "--python", python)
    assert (tmp_path / "venvs" / "mine" / "bin" / "python3").exists()
    assert "exists already" in venv("create", "mine", "--python", python, code=1)
    assert venv("list").split() == ["mine"]
    assert json.loads(venv("info", "mine", "--json"))["python"].startswith("Python 3")
    assert "no name of a plugin" in venv("create", "../mine", code=1)
    assert "no environment" in venv("install", "other", "x", code=1)
    venv("remove", "mine")
    assert "There are no environments" in venv("list")


def test_a_plugin_runs_in_its_own_environment(runtime, api, administrator, tmp_path):
    """The environment that has the plugin's name is found by itself."""
    environment = runtime.data / "venvs" / "imports"
    subprocess.run(["python3", "-m", "venv", "--without-pip", environment], check=True)
    packages = next(environment.glob("lib/python3*/site-packages"))
    (packages / "only_here.py").write_text("WORD = 'found in the environment'\n")
    plugin = tmp_path / "imports.py"
    plugin.write_text(
        "import only_here, sys\n"
        "from shared import SafeLoggingAccess, safe_extract_runtime_args_from_capsule\n"
        "def init(capsule):\n"
        "    arguments, _ = safe_extract_runtime_args_from_capsule(capsule)\n"
        "    SafeLoggingAccess(arguments).log_info(only_here.WORD)\n"
        "    return True\n"
    )
    administrator.write(f"imports,{plugin},1,0,")
    deploy(api)
    wait_logged(api, "imports: found in the environment")
