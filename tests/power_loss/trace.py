"""What a real process does to the files of a folder, as strace saw it."""

import os
import re
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

CALLS = """openat open creat write pwrite64 writev pwritev pwritev2 fsync fdatasync sync_file_range rename renameat renameat2
           unlink unlinkat ftruncate truncate link linkat mkdir mkdirat rmdir fallocate copy_file_range sendfile""".split()
# What may happen to a file without changing it.
HARMLESS = {"sync_file_range", "fallocate"}

LINE = re.compile(r"(\d+\.\d+) (\w+)\((.*)\) += (-?\d+)(?:<[^>]*>)?(?: [^<]*)? <(\d+\.\d+)>$")
TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
PATH_OF_DESCRIPTOR = re.compile(r"(?:AT_FDCWD|\d+)<((?:\\x[0-9a-f]{2})*)>(?:\(deleted\))?")


@dataclass
class Operation:
    """One system call that changes a file, or makes it safe."""

    kind: str  # create, write, truncate, sync, rename, unlink, mkdir
    path: str  # below the folder
    began: float
    ended: float
    target: str = ""  # of a rename
    offset: int | None = None  # None: where the last write ended
    data: bytes = field(default=b"", repr=False)
    length: int = 0


def decoded(text):
    return bytes.fromhex(text.replace("\\x", ""))


def can_trace():
    """Whether strace is there and may trace."""
    try:
        return subprocess.run(["strace", "--seccomp-bpf", "-f", "-o", os.devnull, "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


class Recorder:
    """Runs commands and notes what they do in `folder`."""

    def __init__(self, folder: Path, logs: Path):
        self.folder, self.logs, self.count = folder.resolve(), logs, 0
        logs.mkdir()

    def start(self, command, **options):
        self.count += 1
        log = self.logs / f"{self.count}"
        return subprocess.Popen(
            ["strace", "-ff", "-ttt", "-T", "-y", "-xx", "-s", "100000000", "--seccomp-bpf",
             "-e", "trace=" + ",".join(CALLS), "-e", "signal=none", "-o", log, "--", *command],
            **options,
        )  # fmt: skip

    def operations(self):
        """All that happened, in the order in which it began."""
        found = []
        for log in self.logs.iterdir():
            for line in log.read_text().splitlines():
                found.extend(self.understood(line))
        return sorted(found, key=lambda operation: operation.began)

    def below(self, path: bytes):
        """The path below the folder; None when it is elsewhere."""
        text = path.decode(errors="replace").removesuffix(" (deleted)")
        if not text.startswith(f"{self.folder}/"):
            return "" if text == str(self.folder) else None
        return text[len(str(self.folder)) + 1 :]

    def paths(self, arguments):
        """Absolute paths that a call names: texts, each joined to the folder that the descriptor in front of it is."""
        place, found = b"/", []
        for token in re.finditer(rf"{PATH_OF_DESCRIPTOR.pattern}|{TEXT.pattern}", arguments):
            if token[1] is not None:
                place = decoded(token[1])
            else:
                found.append(os.path.normpath(os.path.join(place, decoded(token[2]))))
        return [self.below(path) for path in found]

    def understood(self, line):
        match = LINE.match(line)
        if not match:
            if not line.endswith("+++") and " = -1 " not in line and " = ?" not in line and not line.startswith("---"):
                if str(self.folder).encode().hex() in line.replace("\\x", ""):
                    raise ValueError(f"not understood: {line[:300]}")
            return
        began, call, arguments, result, took = match.groups()
        times = float(began), float(began) + float(took)
        result = int(result)
        if result < 0 or call in HARMLESS:
            return
        if call in ("openat", "open", "creat"):
            (path,) = self.paths(arguments)
            if path is not None and ("O_CREAT" in arguments or "O_TRUNC" in arguments or call == "creat"):
                if "O_TMPFILE" in arguments:
                    raise ValueError(f"not understood: {line[:300]}")
                yield Operation("create", path, *times, length=int("O_TRUNC" in arguments))
            return
        if call.startswith(("rename", "unlink", "mkdir", "rmdir", "link")):
            paths = self.paths(arguments)
            if any(path is not None for path in paths):
                if call.startswith(("link", "rmdir")) or any(path is None for path in paths):
                    raise ValueError(f"not understood: {line[:300]}")
                kind = next(kind for kind in ("rename", "unlink", "mkdir") if call.startswith(kind))
                yield Operation(kind, *paths[:1], *times, target=paths[-1] if kind == "rename" else "")
            return
        descriptor = PATH_OF_DESCRIPTOR.match(arguments)
        path = self.below(decoded(descriptor[1])) if descriptor else None
        if call in ("copy_file_range", "sendfile"):
            places = [self.below(decoded(place)) for place in PATH_OF_DESCRIPTOR.findall(arguments)]
            # From one to the other, and the other way round.
            path = places[1] if call == "copy_file_range" else places[0]
            if path is not None:
                yield Operation("write", path, *times, data=bytes(result))
            return
        if path is None or "(deleted)" in arguments[: descriptor.end() + 12]:
            return
        if call in ("fsync", "fdatasync"):
            yield Operation("sync", path, *times)
        elif call == "write":
            yield Operation("write", path, *times, data=decoded(TEXT.search(arguments)[1])[:result])
        elif call == "pwrite64":
            offset = int(arguments.rsplit(",", 1)[1])
            yield Operation("write", path, *times, offset=offset, data=decoded(TEXT.search(arguments)[1])[:result])
        elif call == "ftruncate":
            yield Operation("truncate", path, *times, length=int(arguments.rsplit(",", 1)[1]))
        else:
            raise ValueError(f"not understood: {line[:300]}")


def process_below(tracer, name):
    """The process that a tracer runs."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "comm").read_text().strip() == name[:15]:
                status = (entry / "status").read_text()
                if f"\nTracerPid:\t{tracer.pid}\n" in status and f"\nPPid:\t{tracer.pid}\n" in status:
                    return int(entry.name)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return None


def end(tracer, name, how=signal.SIGTERM):
    process = process_below(tracer, name)
    if process:
        os.kill(process, how)
    tracer.wait(timeout=30)
