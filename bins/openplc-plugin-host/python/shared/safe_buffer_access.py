"""Reading and writing the process image, with every index and value checked.

Reads return the value and `Success`, or None and why not; writes True and `Success`, or False and why not. A write takes effect
with the next scan, and is read back at once.
"""

import json
from contextlib import contextmanager, nullcontext

# Number of the table in the journal, function of the journal, largest value.
BUFFERS = {
    "bool_input": (0, "bool", 1),
    "bool_output": (1, "bool", 1),
    "bool_memory": (2, "bool", 1),
    "byte_input": (3, "byte", 0xFF),
    "byte_output": (4, "byte", 0xFF),
    "int_input": (5, "int", 0xFFFF),
    "int_output": (6, "int", 0xFFFF),
    "int_memory": (7, "int", 0xFFFF),
    "dint_input": (8, "dint", 0xFFFFFFFF),
    "dint_output": (9, "dint", 0xFFFFFFFF),
    "dint_memory": (10, "dint", 0xFFFFFFFF),
    "lint_input": (11, "lint", 0xFFFFFFFFFFFFFFFF),
    "lint_output": (12, "lint", 0xFFFFFFFFFFFFFFFF),
    "lint_memory": (13, "lint", 0xFFFFFFFFFFFFFFFF),
}


class SafeBufferAccess:
    """`read_int_output(buffer_idx)`, `write_bool_output(buffer_idx, bit_idx, value)` and so on, for each table."""

    def __init__(self, runtime_args):
        self.runtime_args = self.args = runtime_args
        self.is_valid, self.error_msg = runtime_args.validate_pointers()

    def acquire_mutex(self):
        self.args.lock()
        return True, "Success"

    def release_mutex(self):
        self.args.unlock()
        return True, "Success"

    @contextmanager
    def _locked(self):
        self.args.lock()
        try:
            yield
        finally:
            self.args.unlock()

    def _check(self, buffer, index, bit):
        if not self.is_valid:
            return self.error_msg
        if buffer not in BUFFERS:
            return f"there is no buffer {buffer!r}"
        if not isinstance(index, int) or not 0 <= index < self.args.buffer_size:
            return f"buffer index {index!r} is not from 0 to {self.args.buffer_size - 1}"
        if BUFFERS[buffer][1] == "bool" and (not isinstance(bit, int) or not 0 <= bit < 8):
            return f"bit index {bit!r} is not from 0 to 7"
        return None

    def read(self, buffer, index, bit=None, thread_safe=True):
        """A value of the table of this name; `thread_safe` is False where the caller has acquired the mutex."""
        wrong = self._check(buffer, index, bit)
        if wrong:
            return None, wrong
        with self._locked() if thread_safe else nullcontext():
            table = getattr(self.args, buffer)
            if BUFFERS[buffer][1] == "bool":
                return bool(table[index][bit].contents.value), "Success"
            return table[index].contents.value, "Success"

    def write(self, buffer, index, value, bit=None):
        """Writes a value of the table of this name."""
        wrong = self._check(buffer, index, bit)
        if wrong:
            return False, wrong
        number, function, largest = BUFFERS[buffer]
        try:
            value = int(bool(value)) if function == "bool" else int(value)
        except (TypeError, ValueError):
            return False, f"{value!r} is no number"
        if not 0 <= value <= largest:
            return False, f"{value} is not from 0 to {largest}"
        place = (number, index, bit) if function == "bool" else (number, index)
        if getattr(self.args, f"journal_write_{function}")(*place, value) != 0:
            return False, "the journal is full, or the scan engine is away"
        return True, "Success"

    def batch_read_values(self, operations):
        """`(buffer, index[, bit])` each; a list of `(success, value, message)`, all of one scan."""
        if not operations:
            return [], "No operations provided"
        with self._locked():
            return [self._read_of_batch(operation) for operation in operations], "Batch read completed"

    def _read_of_batch(self, operation):
        if not 2 <= len(operation) <= 3:
            return False, None, "an operation is (buffer, index[, bit])"
        value, message = self.read(*operation, thread_safe=False)
        return message == "Success", value, message

    def batch_write_values(self, operations):
        """`(buffer, index, value[, bit])` each; a list of `(success, message)`."""
        if not operations:
            return [], "No operations provided"
        return [self._write_of_batch(operation) for operation in operations], "Batch write completed"

    def _write_of_batch(self, operation):
        if not 3 <= len(operation) <= 4:
            return False, "an operation is (buffer, index, value[, bit])"
        return self.write(*operation)

    def batch_mixed_operations(self, read_operations, write_operations):
        """Reads first, then writes: `{"reads": [...], "writes": [...]}`."""
        if not read_operations and not write_operations:
            return {}, "No operations provided"
        reads = self.batch_read_values(read_operations)[0] if read_operations else []
        writes = self.batch_write_values(write_operations)[0] if write_operations else []
        return {"reads": reads, "writes": writes}, "Batch mixed operations completed"

    def get_config_path(self):
        path = self.args.plugin_specific_config_file_path.decode(errors="surrogateescape")
        return (path, "Success") if path else ("", "No configuration file path available")

    def get_config_file_args_as_map(self):
        """The configuration, where it is a JSON object or array."""
        path, message = self.get_config_path()
        if not path:
            return {}, message
        try:
            with open(path, encoding="utf-8") as file:
                return json.load(file), "Success"
        except (OSError, ValueError) as error:
            return {}, f"{path} cannot be read: {error}"


def _add_functions_of(buffer):
    """The functions by which plugins know the tables: with `safe_` in front they are older ones."""
    is_bool = BUFFERS[buffer][1] == "bool"

    if is_bool:

        def read(self, buffer_idx, bit_idx, thread_safe=True):
            return self.read(buffer, buffer_idx, bit_idx, thread_safe)

        def write(self, buffer_idx, bit_idx, value, thread_safe=True):
            return self.write(buffer, buffer_idx, value, bit_idx)
    else:

        def read(self, buffer_idx, thread_safe=True):
            return self.read(buffer, buffer_idx, None, thread_safe)

        def write(self, buffer_idx, value, thread_safe=True):
            return self.write(buffer, buffer_idx, value)

    for function, verb in ((read, "read"), (write, "write")):
        function.__name__ = f"{verb}_{buffer}"
        function.__doc__ = f"{verb.capitalize()}s a value of {buffer}."
        setattr(SafeBufferAccess, f"{verb}_{buffer}", function)
        setattr(SafeBufferAccess, f"safe_{verb}_{buffer}", function)


for _buffer in BUFFERS:
    _add_functions_of(_buffer)
