"""A computer that counts time in instructions: each takes 2 ns of the guest's time, whatever happens to the host."""

import json
import subprocess

MEMORY_MIB = 1536
MARK = "LAB-RESULT "
OPTIONS = [
    # One thread executes everything; a guest that idles jumps to its next timer.
    *("-accel", "tcg,thread=single", "-icount", "shift=1,sleep=off,align=off"),
    # No source of chance: no RDRAND in this processor, a seeded random number device, a fixed date.
    *("-cpu", "qemu64", "-seed", "1", "-rtc", "base=2026-01-01,clock=vm"),
    *("-m", str(MEMORY_MIB), "-nographic", "-no-reboot", "-nic", "none"),
]
KERNEL = "console=ttyS0 panic=-1 nokaslr random.trust_cpu=off quiet rdinit=/init"


class GuestFailed(Exception):
    """The guest ended without a result."""


def run(kernel, image, console, **parameters):
    """Boots, measures what the parameters say, and returns the result. `console` keeps what the guest printed."""
    words = " ".join(f"lab.{name}={value}" for name, value in parameters.items())
    command = ["qemu-system-x86_64", *OPTIONS, "-kernel", kernel, "-initrd", image, "-append", f"{KERNEL} {words}"]
    with console.open("wb") as out:
        guest = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        try:
            guest.wait()
        finally:
            guest.kill()
            guest.wait()
    text = console.read_text(errors="replace")
    for line in text.splitlines():
        if line.startswith(MARK):
            return json.loads(line.removeprefix(MARK))
    raise GuestFailed(f"no result; the end of {console}:\n{text[-3000:]}")
