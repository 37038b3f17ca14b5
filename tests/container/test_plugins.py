"""Plugins in a container: native ones, Python ones with an environment of their own, and the Modbus slave at its port."""

import os
import subprocess
import zipfile

import pytest

from container.test_privileges import assert_confined
from harness import modbus
from harness.modbus import WISH, connected, followed
from harness.plugins import wait_for, wait_logged
from harness.runtime import REPOSITORY, free_port

SETTINGS = "/etc/openplc-runtime"
PLUGIN_USER = 904
CAP_NET_BIND_SERVICE = 1 << 10

IMPORTS = """
import only_here
from shared import SafeLoggingAccess, safe_extract_runtime_args_from_capsule

def init(capsule):
    arguments, _ = safe_extract_runtime_args_from_capsule(capsule)
    SafeLoggingAccess(arguments).log_info(only_here.WORD)
    return True
"""


@pytest.fixture
def settings(container, tmp_path):
    """The administrator's folder, which all users of the container read."""
    folder = tmp_path / "settings"
    folder.mkdir()
    folder.chmod(0o755)
    container.options = [f"--volume={folder}:{SETTINGS}:ro"]
    return folder


def wheel(folder):
    """A Python package that can be installed without any network, and its path in the container."""
    information = "only_here-1.0.dist-info"
    files = {
        "only_here.py": "WORD = 'found in the environment'\n",
        f"{information}/METADATA": "Metadata-Version: 2.1\nName: only-here\nVersion: 1.0\n",
        f"{information}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{information}/RECORD": "",
    }
    made = folder / "only_here-1.0-py3-none-any.whl"
    with zipfile.ZipFile(made, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return f"{SETTINGS}/{made.name}"


def assert_is_a_plugin(process):
    assert os.stat(f"/proc/{process.pid}").st_uid == PLUGIN_USER
    assert_confined(process, CAP_NET_BIND_SERVICE, CAP_NET_BIND_SERVICE)


def test_a_python_plugin_has_an_environment_of_its_own_that_a_new_container_has_too(container, settings, programs):
    (settings / "imports.py").write_text(IMPORTS)
    (settings / "plugins.conf").write_text(f"imports,{SETTINGS}/imports.py,1,0,\n")
    package = wheel(settings)
    container.start()
    assert "Created /run/runtime/venvs/imports" in container.inside("openplcctl", "venv", "create", "imports").stdout
    container.inside("openplcctl", "venv", "install", "imports", package)
    api = container.login()
    api.deploy(programs.blink.zip())
    wait_logged(api, "imports: found in the environment")
    wait_for(container, api, "imports")
    assert_is_a_plugin(container.process("python3.11"))

    container.restart()
    api = container.login()
    wait_logged(api, "imports: found in the environment")
    wait_for(container, api, "imports")


def test_a_native_plugin(container, settings, programs):
    source = REPOSITORY / "examples" / "plugins" / "c" / "square_wave.c"
    include = settings / "include"
    include.mkdir()
    (include / "openplc").symlink_to(REPOSITORY / "crates" / "openplc-plugin-abi" / "include")
    options = ["-shared", "-fPIC", "-O2", f"-I{include}"]
    subprocess.run(["gcc", *options, source, "-o", settings / "square_wave.so", "-lpthread"], check=True)
    (settings / "plugins.conf").write_text(f"square_wave,{SETTINGS}/square_wave.so,1,1,\n")
    container.start()
    api = container.login()
    api.deploy(programs.blink.zip())
    wait_for(container, api, "square_wave")
    assert_is_a_plugin(container.process("openplc-plugin-host"))


def test_modbus_clients_reach_their_port_though_no_process_but_the_launcher_is_root(container):
    """Docker's own capabilities are enough for a port below 1024."""
    container.capabilities = ()
    port = free_port()
    container.options = [f"--publish=127.0.0.1:{port}:502"]
    container.start()
    slave = modbus.slave_file(502)
    slave["network_configuration"]["host"] = "0.0.0.0"
    container.login().deploy(modbus.plant(slave=slave).zip())
    with connected(port) as client:
        client.write(WISH, 500)
        followed(client, 500)
    assert container.listening() == {("tcp", 8443), ("tcp", 502), ("udp", 33333)}
    assert_is_a_plugin(container.process("openplc-modbus-slave"))
