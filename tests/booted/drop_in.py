"""Settings of units, as an administrator makes them with `systemctl edit`."""

from contextlib import contextmanager


@contextmanager
def drop_in(machine, unit, *settings):
    """Until the end, `unit` has these lines in its section [Service]."""
    folder = f"/run/systemd/system/{unit}.d"
    machine.run("mkdir", "--parents", folder)
    machine.run("tee", f"{folder}/of-a-test.conf", text="".join(f"{line}\n" for line in ("[Service]", *settings)))
    machine.run("systemctl", "daemon-reload")
    try:
        yield
    finally:
        machine.run("rm", "-r", folder)
        machine.run("systemctl", "daemon-reload")
