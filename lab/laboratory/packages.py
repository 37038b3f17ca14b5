"""Debian packages as the source of everything in the lab that is not ours."""

import re
import subprocess

COMMANDS = ["qemu-system-x86_64=qemu-system-x86", "cyclictest=rt-tests", "g++=g++", "dpkg-deb=dpkg"]
FLAVOURS = {"amd64": "linux-image-amd64", "rt-amd64": "linux-image-rt-amd64"}


def download(package, folder):
    """The package file, from the folder if it was downloaded before."""
    found = sorted(folder.glob(f"{package}_*.deb"))
    if not found:
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", "-o", "APT::Sandbox::User=root", package], cwd=folder, check=True)
        found = sorted(folder.glob(f"{package}_*.deb"))
    return found[-1]


def contents(package, path):
    """One file of a package."""
    archive = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], check=True, stdout=subprocess.PIPE).stdout
    return subprocess.run(["tar", "-xO", f"./{path}"], input=archive, check=True, stdout=subprocess.PIPE).stdout


def kernel(flavour, folder):
    """The kernel of this flavour that Debian recommends, and its version."""
    depends = subprocess.run(
        ["apt-cache", "depends", FLAVOURS[flavour]], check=True, capture_output=True, text=True
    ).stdout
    package = re.search(r"Depends: (linux-image-\S+)", depends)[1]
    file = download(package, folder)
    image = folder / f"vmlinuz-{flavour}"
    image.write_bytes(contents(file, f"boot/vmlinuz-{package.removeprefix('linux-image-')}"))
    return image, file.name.removesuffix(".deb").removeprefix("linux-image-").replace("_amd64", "").replace("_", ", ")


def files_of(package):
    """Paths that an installed package has brought."""
    listed = subprocess.run(["dpkg", "-L", package], check=True, capture_output=True, text=True).stdout
    return listed.splitlines()
