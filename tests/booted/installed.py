"""Plugins of the administrator, installed as docs/plugins.md says."""

import json
from contextlib import contextmanager

SETTINGS = "/etc/openplc-runtime"
FOLDER = "/usr/local/lib/openplc"
PYTHON, NATIVE, EXECUTABLE = 0, 1, 2


@contextmanager
def installed(machine, name, file, kind, configuration):
    """Until the end, the plugin `name` is the executable or script `file` in FOLDER, enabled, with this configuration."""
    conf = machine.path(f"{SETTINGS}/plugins.conf")
    before = conf.read_text()
    conf.write_text(f"{before}\n{name},{FOLDER}/{file},1,{kind},{name}.json\n")
    machine.path(f"{SETTINGS}/{name}.json").write_text(json.dumps(configuration))
    machine.run("systemctl", "enable", "--now", f"openplc-plugin@{name}.path")
    try:
        yield f"openplc-plugin@{name}.service"
    finally:
        machine.run("systemctl", "disable", "--now", f"openplc-plugin@{name}.path")
        conf.write_text(before)
        machine.path(f"{SETTINGS}/{name}.json").unlink()
        machine.path(f"{FOLDER}/{file}").unlink()


def put(machine, file, content):
    """Puts `content` into FOLDER as `file`, executable."""
    path = machine.path(f"{FOLDER}/{file}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o755)


def compile_native(machine, source, name):
    """Makes NAME.so in FOLDER on the machine, with the header of the package."""
    machine.run("mkdir", "--parents", FOLDER)
    options = ("-shared", "-fPIC", "-O2", "-Wall", "-I/usr/include/openplc", "-x", "c", "-")
    machine.run("gcc", *options, "-o", f"{FOLDER}/{name}.so", "-lpthread", text=source.read_text())
