"""Program bundles: names of files to contents, and what the Editor knows of one, the order of its variables."""

import io
import re
import zipfile
from dataclasses import dataclass
from functools import cached_property

ENTRY = re.compile(r"\{\s*&?\(?\s*&?\(?([A-Za-z_][\w.\[\]]*)\)*\s*,\s*([A-Z]+)(?:_[PO])?_ENUM\s*\}")
MD5 = re.compile(r'plc_program_md5\[\]\s*=\s*"([0-9a-f]{32})"')


@dataclass(frozen=True)
class Variable:
    index: int
    name: str
    iec_type: str


class Bundle:
    """A `program.zip`; names of files to bytes."""

    def __init__(self, files: dict):
        self.files = dict(files)

    def with_file(self, name, content):
        return Bundle({**self.files, name: content})

    def without(self, name):
        return Bundle({other: content for other, content in self.files.items() if other != name})

    def with_md5(self, md5):
        """The same program under another identity."""
        old, new = self.md5.encode(), md5.encode()
        return Bundle({name: content.replace(old, new) for name, content in self.files.items()})

    def text(self, name):
        return self.files[name].decode()

    def zip(self, compression=zipfile.ZIP_STORED, prefix="", separator="/"):
        """STORE is what Editor 4.1 uses."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", compression) as archive:
            for name, content in self.files.items():
                archive.writestr(zipfile.ZipInfo((prefix + name).replace("/", separator)), content, compression)
        return buffer.getvalue()

    @cached_property
    def md5(self):
        return MD5.search(self.text("debug.c")).group(1)

    @cached_property
    def table(self):
        """The debug table, in its order."""
        return [
            Variable(index, name.replace(".value.table[", "[").replace(".value.", "."), iec_type)
            for index, (name, iec_type) in enumerate(ENTRY.findall(self.text("debug.c")))
        ]

    @cached_property
    def variables(self):
        """By C path without the wrappers' names, and by the last part of it where that is unique."""
        by_last_part = {}
        for variable in self.table:
            by_last_part.setdefault(re.split(r"\.|__", variable.name)[-1], []).append(variable)
        unique = {name: found[0] for name, found in by_last_part.items() if len(found) == 1}
        return unique | {variable.name: variable for variable in self.table}
