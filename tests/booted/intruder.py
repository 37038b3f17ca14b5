"""Runs in the place of a daemon, inside its sandbox, tries what it may never do, and writes the outcomes as JSON.

intruder.py FILE: to FILE, or standard output (-); without, to the connection that is its standard input.
"""

import ctypes
import errno
import json
import mmap
import os
import socket
import sys

libc = ctypes.CDLL(None, use_errno=True)


def call(name, *arguments):
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)


def open_socket(family, kind):
    socket.socket(family, kind).close()


def connect(address):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(address)


def open_port(number):
    with socket.socket() as server:
        server.bind(("0.0.0.0", number))


def write(path):
    with open(path, "x"):
        pass
    os.unlink(path)


def map_writable_code():
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()


def other_processes():
    """Those of this process are its own affair."""
    mine = os.getuid()
    if [pid for pid in os.listdir("/proc") if pid.isdigit() and os.stat(f"/proc/{pid}").st_uid != mine]:
        return
    raise PermissionError(errno.EPERM, "no process of anybody else is seen")


ATTEMPTS = {
    "IPv4": lambda: open_socket(socket.AF_INET, socket.SOCK_STREAM),
    "IPv6": lambda: open_socket(socket.AF_INET6, socket.SOCK_DGRAM),
    "netlink": lambda: open_socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "packets": lambda: open_socket(socket.AF_PACKET, socket.SOCK_RAW),
    "vsock": lambda: open_socket(socket.AF_VSOCK, socket.SOCK_STREAM),
    "a port below 1024": lambda: open_port(502),
    "password hashes": lambda: open("/etc/shadow").close(),
    "home of root": lambda: open("/root/secret").close(),
    "secrets of the API": lambda: open("/var/lib/openplc-runtime/api/.env").close(),
    "programs of the core": lambda: os.listdir("/var/lib/openplc-runtime/core"),
    "scripts of the core": lambda: os.listdir("/run/openplc-core"),
    "what another plugin keeps": lambda: os.listdir("/var/lib/openplc-runtime/plugins/another"),
    "other builds": lambda: os.listdir("/run/private"),
    "a file of another build": lambda: open("@FILE_OF_A_BUILD@").close(),
    "other processes": other_processes,
    "control socket": lambda: connect("/run/runtime/plc_runtime.socket"),
    "process image": lambda: connect("/run/runtime/image.socket"),
    "building": lambda: connect("/run/runtime/compile.socket"),
    "bus": lambda: connect("/run/dbus/system_bus_socket"),
    "systemd": lambda: connect("/run/systemd/private"),
    "a file in /etc": lambda: write("/etc/mark"),
    "a file in /usr": lambda: write("/usr/lib/openplc-runtime/mark"),
    "a file in /var": lambda: write("/var/lib/mark"),
    "a file in /var/lib": lambda: write("/var/lib/openplc-runtime/mark"),
    "a file in /run": lambda: write("/run/mark"),
    "a file in /run/runtime": lambda: write("/run/runtime/mark"),
    "kernel settings": lambda: open("/proc/sys/kernel/hostname", "w").close(),
    "devices": lambda: open("/dev/mem").close(),
    "kernel log": lambda: open("/dev/kmsg").close(),
    "root": lambda: os.setuid(0),
    "group of root": lambda: os.setgid(0),
    "real time": lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50)),
    "namespaces": lambda: call("unshare", 0x10000000),
    "mounts": lambda: call("mount", b"none", b"/tmp", b"tmpfs", 0, None),
    "host name": lambda: call("sethostname", b"x", 1),
    "clock": lambda: call("settimeofday", (ctypes.c_long * 2)(1, 0), None),
    "writable code": map_writable_code,
    "ending systemd": lambda: os.kill(1, 15),
    "personality": lambda: call("personality", 0x0040000),
}


# Where somebody could leave something behind.
PLACES = ["/tmp", "/var/tmp", "/dev/shm", "/run", os.environ.get("RUNTIME_DIRECTORY", "/run")]


def leave_behind(folder):
    with open(f"{folder}/left-behind", "w"):
        pass


def outcome(attempt):
    try:
        attempt()
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))
    return "allowed"


def main():
    outcomes = {name: outcome(attempt) for name, attempt in ATTEMPTS.items()}
    outcomes["left behind"] = [place for place in PLACES if outcome(lambda: leave_behind(place)) == "allowed"]
    outcomes = json.dumps(outcomes)
    if sys.argv[1:] == ["-"]:
        print(outcomes)
    elif len(sys.argv) > 1:
        with open(sys.argv[1], "w") as file:
            file.write(outcomes)
    else:
        with socket.socket(fileno=0) as connection:
            connection.sendall(outcomes.encode())


main()
