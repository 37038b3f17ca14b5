"""What is in a guest: our binaries, a program built for them, cyclictest and the loads. No secret and no date of this
computer, so that the same sources make the same guest."""

import re
import subprocess
import tempfile
from pathlib import Path

from harness.programs import Programs
from harness.runtime import BINARIES, Runtime, bring_to_an_end
from laboratory.archive import Archive
from laboratory.packages import contents, download, files_of
from measure.loads import that_fails_at_its_end
from measure.programs import wake_ups

REPOSITORY = Path(__file__).resolve().parents[2]
OURS = ["openplc-launcher", "openplc-core", "openplc-api", "openplc-compile"]
TOOLS = ["cyclictest", "hackbench", "python3.11"]
COMPILER = [
    "gcc-12",
    "g++-12",
    "cpp-12",
    "gcc",
    "g++",
    "cpp",
    "binutils",
    "binutils-x86-64-linux-gnu",
    "binutils-common",
]
HEADERS = ["libgcc-12-dev", "libstdc++-12-dev", "libc6-dev", "linux-libc-dev", "libcrypt-dev"]
# Of the compiler's packages: what no build of a PLC program opens.
UNUSED = re.compile(
    r"/share/|san\b|san[_.]|lto1$|lto-wrapper$|libgomp|libitm|libquadmath|/plugin/|libc\.a$|libstdc\+\+\w*\.a$|libm-.*\.a$"
)
STANDARD_LIBRARY = Path("/usr/lib/python3.11")
UNUSED_LIBRARY = {"test", "idlelib", "lib2to3", "ensurepip", "distutils", "pydoc_data", "config-3.11-x86_64-linux-gnu"}

PASSWD = """\
root:x:0:0:root:/:/bin/sh
openplc-api:x:101:101::/:/bin/false
openplc-core:x:102:101::/:/bin/false
openplc-compile:x:103:101::/:/bin/false
"""
GROUP = "root:x:0:\nopenplc:x:101:openplc-api,openplc-core,openplc-compile\n"


def libraries(executable):
    """The shared objects that it needs, with the loader."""
    listed = subprocess.run(["ldd", executable], capture_output=True, text=True).stdout
    return [Path(path) for path in re.findall(r"(/\S+) \(0x", listed)]


class Image:
    def __init__(self, binaries, downloads, compiler):
        self.archive = Archive()
        self.system(downloads)
        for name in OURS:
            self.executable(binaries / name, f"usr/bin/{name}")
        for name in TOOLS:
            self.executable(Path("/usr/bin") / name)
        self.standard_library()
        if compiler:
            self.compiler()
        self.ours()

    def system(self, downloads):
        busybox = contents(download("busybox-static", downloads), "bin/busybox")
        self.archive.file("bin/busybox", busybox, 0o755)
        # As on Debian 12, where these are parts of /usr.
        self.archive.link("bin/sh", "busybox")
        self.archive.file("etc/passwd", PASSWD.encode())
        self.archive.file("etc/group", GROUP.encode())
        for folder in ("proc", "sys", "dev", "run", "root"):
            self.archive.folder(folder)
        self.archive.folder("tmp", 0o1777)
        self.archive.file("init", (REPOSITORY / "lab" / "guest" / "init").read_bytes(), 0o755)

    def executable(self, source, path=None):
        self.archive.copy(source, path)
        for library in libraries(source):
            self.archive.copy(library)

    def standard_library(self):
        for path in STANDARD_LIBRARY.rglob("*"):
            if path.is_file() and path.relative_to(STANDARD_LIBRARY).parts[0] not in UNUSED_LIBRARY:
                self.archive.copy(path)
                if path.suffix == ".so":
                    for library in libraries(path):
                        self.archive.copy(library)

    def compiler(self):
        for package in COMPILER + HEADERS:
            for name in files_of(package):
                path = Path(name)
                if UNUSED.search(name) or path.is_dir():
                    continue
                if path.is_symlink():
                    self.archive.link(name.lstrip("/"), str(path.readlink()))
                elif package in COMPILER and path.read_bytes()[:4] == b"\x7fELF":
                    self.executable(path)
                else:
                    self.archive.copy(path)
        # Where the compiler looks for libraries to link: names that only the -dev packages know.
        for name in ("libstdc++.so.6", "libm.so.6", "libc.so.6", "libgcc_s.so.1", "libmvec.so.1"):
            found = next(Path("/lib/x86_64-linux-gnu").glob(name))
            self.archive.copy(found.resolve(), f"lib/x86_64-linux-gnu/{name}")
            self.archive.link(f"usr/lib/x86_64-linux-gnu/{name}", f"/lib/x86_64-linux-gnu/{name}")

    def ours(self):
        """The clients of the tests and benchmarks, which are the loads here, and what happens in the guest."""
        for folder, place in (
            ("tests/harness", "lab/harness"),
            ("benches/measure", "lab/measure"),
            ("lab/guest", "lab"),
        ):
            for path in (REPOSITORY / folder).glob("*.py"):
                self.archive.file(f"{place}/{path.name}", path.read_bytes())


def built(bundle):
    """The object that our own build makes of a program, its manifest, and the libraries it needs."""
    with tempfile.TemporaryDirectory(prefix="openplc-lab-") as folder:
        runtime = Runtime(Path(folder) / "data")
        try:
            runtime.start().login().deploy(bundle.zip())
            objects = list(runtime.data.glob("core/programs/*.so"))
            assert len(objects) == 1, objects
            return (
                objects[0].read_bytes(),
                objects[0].with_suffix(".json").read_bytes(),
                libraries(objects[0]),
            )
        finally:
            bring_to_an_end(runtime)


def make_images(folder):
    """The initial file system of a guest by its load. The compiler is only there where it is used: it is large."""
    code, manifest, needed = built(wake_ups())
    images = {}
    for name, compiler in (("plain", False), ("compiler", True)):
        archive = Image(BINARIES, folder / "downloads", compiler).archive
        archive.file("lab/wake_ups.so", code)
        archive.file("lab/wake_ups.json", manifest)
        for library in needed:
            archive.copy(library)
        if compiler:
            archive.file("lab/build.zip", that_fails_at_its_end(Programs().large).zip())
        images[name] = folder / f"guest-{name}.cpio"
        archive.write(images[name])
    return images
