"""What a disk may hold after a loss of power, given what a process did.

As on the file systems of Linux: changes of names reach the disk in their order, but later than they are made; the contents
of files reach it in any order, and in part, sector by sector; what was synced is there. A name may be on disk before the
content of its file, which then has holes.
"""

import hashlib
import random
import shutil
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512


@dataclass
class Change:
    """One write to a file or a change of its length."""

    offset: int
    data: bytes = field(repr=False)
    length: int | None = None  # of a truncation
    operation: int = 0
    synced: int | None = None  # operation that made it safe
    began: float = 0.0


class Inode:
    def __init__(self, content=b""):
        self.content, self.changes, self.position = content, [], 0


class Disk:
    """The history of a folder."""

    def __init__(self, folder: Path, operations):
        self.operations = operations
        self.first = {str(path.relative_to(folder)): Inode(path.read_bytes())
                      for path in folder.rglob("*") if path.is_file()}  # fmt: skip
        self.folders = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_dir()}
        # Changes of names: (operation, kind, path, target, inode).
        self.names = []
        # Until when changes of names are safe: (operation that says so, number of names).
        self.safe_names = []
        self.replay()

    def replay(self):
        names = dict(self.first)
        for number, operation in enumerate(self.operations):
            kind, path = operation.kind, operation.path
            if kind == "create":
                if path not in names:
                    names[path] = Inode()
                    self.names.append((number, "create", path, "", names[path]))
                elif operation.length:
                    self.change(names[path], number, operation, 0, b"", 0)
                names[path].position = 0
            elif kind == "write":
                inode = names[path]
                offset = inode.position if operation.offset is None else operation.offset
                self.change(inode, number, operation, offset, operation.data)
                if operation.offset is None:
                    inode.position = offset + len(operation.data)
            elif kind == "truncate":
                self.change(names[path], number, operation, 0, b"", operation.length)
            elif kind == "rename":
                names[operation.target] = names.pop(path)
                self.names.append((number, "rename", path, operation.target, None))
            elif kind == "unlink":
                names.pop(path, None)
                self.names.append((number, "unlink", path, "", None))
            elif kind == "mkdir":
                self.names.append((number, "mkdir", path, "", None))
            elif kind == "sync":
                self.sync(names.get(path), number, operation)

    @staticmethod
    def change(inode, number, operation, offset, data, length=None):
        inode.changes.append(Change(offset, data, length, number, began=operation.began))

    def sync(self, inode, number, operation):
        """Safe is what had been done when the sync began, from the moment at which it ended."""
        if inode is None:
            known = sum(self.operations[name[0]].ended <= operation.began for name in self.names)
            self.safe_names.append((operation.ended, known))
            return
        for change in inode.changes:
            if change.synced is None and self.operations[change.operation].ended <= operation.began:
                change.synced = number

    def cuts(self, wanted, seed=0):
        """`wanted` times (operations done, random numbers): each operation in its turn, as often as it takes."""
        count = len(self.operations)
        for number in range(wanted):
            yield number * count // wanted if wanted < count else number % count + 1, random.Random(f"{seed} {number}")

    def after(self, done, chance):
        """The disk after the power was lost when `done` operations had begun."""
        now = self.operations[done - 1].ended if done else 0.0
        begun = [name for name in self.names if name[0] < done]
        safe = max((known for ended, known in self.safe_names if ended <= now), default=0)
        # Everything, nothing, or anything in between has reached the disk.
        mood = chance.choice(["all", "none", "some", "some"])
        reached = {"all": len(begun), "none": min(safe, len(begun))}.get(mood)
        if reached is None:
            reached = chance.randint(min(safe, len(begun)), len(begun))
        inodes, folders = dict(self.first), set(self.folders)
        for _, kind, path, target, inode in begun[:reached]:
            if kind == "create":
                inodes[path] = inode
            elif kind == "rename":
                inodes[target] = inodes.pop(path)
            elif kind == "unlink":
                inodes.pop(path, None)
            else:
                folders.add(path)
        cut = Cut(self, done, now, mood, inodes, folders)
        cut.contents = {path: cut.content(inode, chance) for path, inode in inodes.items()}
        return cut


@dataclass
class Cut:
    """A disk after a loss of power."""

    disk: Disk = field(repr=False)
    done: int
    now: float
    mood: str
    inodes: dict = field(repr=False)
    folders: set = field(repr=False)
    contents: dict = field(default_factory=dict, repr=False)

    @property
    def digest(self):
        """Equal for equal disks."""
        parts = [*sorted(self.folders), *(part for path in sorted(self.contents) for part in (path, self.contents[path]))]
        digest = hashlib.sha256()
        for part in parts:
            part = part.encode() if isinstance(part, str) else part
            digest.update(len(part).to_bytes(8, "big") + part)
        return digest.digest()

    def lay_out(self, folder: Path):
        folder.mkdir(parents=True)
        for name in sorted(self.folders):
            (folder / name).mkdir(parents=True, exist_ok=True)
        for path, content in self.contents.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)

    def is_safe(self, change):
        return change.synced is not None and self.disk.operations[change.synced].ended <= self.now

    def begun(self, inode):
        return [change for change in inode.changes if change.operation < self.done]

    def content(self, inode, chance):
        content = bytearray(inode.content)
        for change in self.begun(inode):
            safe = self.is_safe(change)
            if not safe and (self.mood == "none" or (self.mood == "some" and chance.random() < 0.4)):
                continue
            if change.length is not None:
                del content[change.length :]
                content.extend(bytes(change.length - len(content)))
                continue
            end = change.offset + len(change.data)
            if len(content) < end:
                content.extend(bytes(end - len(content)))
            torn = not safe and self.mood == "some" and chance.random() < 0.5
            for start, stop in sectors(change.offset, end) if torn else [(change.offset, end)]:
                if not torn or chance.random() < 0.5:
                    content[start:stop] = change.data[start - change.offset : stop - change.offset]
        return bytes(content)


def after_every_cut(disk, wanted, folder, observe, judge):
    """Has `judge` compare each cut with what `observe` has seen of a process on such a disk. Each disk is observed once."""
    seen = {}
    for number, (done, chance) in enumerate(disk.cuts(wanted)):
        cut = disk.after(done, chance)
        digest = cut.digest
        try:
            if digest not in seen:
                place = folder / f"{number}"
                cut.lay_out(place / "state")
                seen[digest] = observe(place)
                shutil.rmtree(place)
            judge(seen[digest], cut)
        except Exception as error:
            raise AssertionError(f"{cut}: {error}") from error
    print(f"\n{wanted} cuts of {len(disk.operations)} operations left {len(seen)} different disks")


def sectors(start, end):
    """The range in parts that a disk writes as a whole."""
    while start < end:
        stop = min(end, (start // SECTOR + 1) * SECTOR)
        yield start, stop
        start = stop
