"""The initial file system of a guest: a cpio archive in the form that the kernel unpacks ("newc"), the same bytes for
the same content."""

import stat

TRAILER = "TRAILER!!!"


class Archive:
    """Files by their path in the guest, without a leading slash. Folders come by themselves."""

    def __init__(self):
        self.entries = {}

    def file(self, path, content, mode=0o644, time=0):
        self.entries[path] = (stat.S_IFREG | mode, time, content)

    def link(self, path, target):
        self.entries[path] = (stat.S_IFLNK | 0o777, 0, target.encode())

    def folder(self, path, mode=0o755):
        self.entries[path] = (stat.S_IFDIR | mode, 0, b"")

    def copy(self, source, path=None):
        """A file of this computer, at the same place in the guest unless `path` names another."""
        about = source.stat()
        # With its time: by it Python knows that a module need not be compiled again.
        self.file(
            path or str(source).lstrip("/"), source.read_bytes(), stat.S_IMODE(about.st_mode), int(about.st_mtime)
        )

    def write(self, destination):
        for path in list(self.entries):
            parts = path.split("/")[:-1]
            for depth in range(1, len(parts) + 1):
                self.entries.setdefault("/".join(parts[:depth]), (stat.S_IFDIR | 0o755, 0, b""))
        with destination.open("wb") as out:
            # Sorted, so that a folder comes before what is in it.
            for number, (path, about) in enumerate(sorted(self.entries.items()), start=1):
                self.entry(out, number, path, *about)
            self.entry(out, 0, TRAILER, 0, 0, b"")

    @staticmethod
    def entry(out, number, path, mode, time, content):
        name = path.encode() + b"\0"
        # inode, mode, owner, group, links, time, size, four device numbers, length of the name, checksum
        fields = [number, mode, 0, 0, 1, time, len(content), 0, 0, 0, 0, len(name), 0]
        header = b"070701" + b"".join(b"%08X" % field for field in fields) + name
        out.write(header + bytes(-len(header) % 4))
        out.write(content + bytes(-len(content) % 4))
