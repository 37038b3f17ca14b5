"""`plugin_runtime_args_t` for ctypes, in the layout that plugins.conf says for this plugin."""

import ctypes
from ctypes import CFUNCTYPE, POINTER, c_bool, c_char, c_char_p, c_int, c_size_t, c_uint, c_ulonglong, c_void_p
from ctypes import c_uint8, c_uint16

from .iec_types import IEC_BOOL, IEC_BYTE, IEC_UDINT, IEC_UINT, IEC_ULINT

BITS = POINTER(POINTER(IEC_BOOL) * 8)


def pointers(iec_type):
    return POINTER(POINTER(iec_type))


TABLES = [
    ("bool_input", BITS),
    ("bool_output", BITS),
    ("byte_input", pointers(IEC_BYTE)),
    ("byte_output", pointers(IEC_BYTE)),
    ("int_input", pointers(IEC_UINT)),
    ("int_output", pointers(IEC_UINT)),
    ("dint_input", pointers(IEC_UDINT)),
    ("dint_output", pointers(IEC_UDINT)),
    ("lint_input", pointers(IEC_ULINT)),
    ("lint_output", pointers(IEC_ULINT)),
    ("int_memory", pointers(IEC_UINT)),
    ("dint_memory", pointers(IEC_UDINT)),
    ("lint_memory", pointers(IEC_ULINT)),
    ("bool_memory", BITS),
]
LOCKS = {
    "newest": [
        ("image_lock", CFUNCTYPE(None)),
        ("image_unlock", CFUNCTYPE(None)),
        ("debug_array_count", CFUNCTYPE(c_uint8)),
        ("debug_elem_count", CFUNCTYPE(c_uint16, c_uint8)),
        ("debug_size", CFUNCTYPE(c_uint16, c_uint8, c_uint16)),
        ("debug_read", CFUNCTYPE(c_uint16, c_uint8, c_uint16, c_void_p)),
        ("debug_set", CFUNCTYPE(c_uint8, c_uint8, c_uint16, c_bool, c_void_p, c_uint16)),
        ("debug_write", CFUNCTYPE(c_uint8, c_uint8, c_uint16, c_void_p, c_uint16)),
    ],
    "2026-01": [
        ("mutex_take", CFUNCTYPE(c_int, c_void_p)),
        ("mutex_give", CFUNCTYPE(c_int, c_void_p)),
        ("buffer_mutex", c_void_p),
        ("get_var_list", CFUNCTYPE(None, c_size_t, POINTER(c_size_t), POINTER(c_void_p))),
        ("get_var_size", CFUNCTYPE(c_size_t, c_size_t)),
        ("get_var_count", CFUNCTYPE(c_uint16)),
    ],
}
MIDDLE = [
    ("plugin_specific_config_file_path", c_char * 256),
    ("buffer_size", c_int),
    ("bits_per_buffer", c_int),
    ("log_info", CFUNCTYPE(None, c_char_p)),
    ("log_debug", CFUNCTYPE(None, c_char_p)),
    ("log_warn", CFUNCTYPE(None, c_char_p)),
    ("log_error", CFUNCTYPE(None, c_char_p)),
    ("journal_write_bool", CFUNCTYPE(c_int, c_int, c_int, c_int, c_int)),
    ("journal_write_byte", CFUNCTYPE(c_int, c_int, c_int, c_int)),
    ("journal_write_int", CFUNCTYPE(c_int, c_int, c_int, c_int)),
    ("journal_write_dint", CFUNCTYPE(c_int, c_int, c_int, c_uint)),
    ("journal_write_lint", CFUNCTYPE(c_int, c_int, c_int, c_ulonglong)),
]
ENDS = {
    "newest": [
        ("request_plc_stop", CFUNCTYPE(None, c_char_p)),
        ("base_tick_ns", c_ulonglong),
        ("request_plc_start", CFUNCTYPE(None, c_char_p)),
        ("set_switch_position", CFUNCTYPE(None, c_int)),
        ("get_plc_state", CFUNCTYPE(c_int)),
    ],
    "2026-01": [],
}
# plugin_runner says which before a plugin is loaded.
LAYOUT = "newest"


def set_layout(layout):
    """Called once, before `PluginRuntimeArgs` is used."""
    global LAYOUT
    LAYOUT = layout
    PluginRuntimeArgs._fields_ = TABLES + LOCKS[layout] + MIDDLE + ENDS[layout]


class PluginRuntimeArgs(ctypes.Structure):
    """What a plugin gets."""

    def validate_pointers(self):
        """Whether everything is there that the helpers of this package use; and what is missing."""
        needed = [name for name, _ in TABLES] + ["journal_write_bool", "log_info"]
        missing = [name for name in needed if not getattr(self, name)]
        if missing:
            return False, f"NULL in plugin_runtime_args_t: {', '.join(missing)}"
        if not 0 < self.buffer_size <= 65536 or self.bits_per_buffer != 8:
            return False, f"buffer_size is {self.buffer_size}, bits_per_buffer {self.bits_per_buffer}"
        return True, "Success"

    def safe_access_buffer_size(self):
        """Slots of each table, and `Success`; -1 and why not."""
        valid, why = self.validate_pointers()
        return (self.buffer_size, "Success") if valid else (-1, why)

    def lock(self):
        """Shows the newest values of the image until `unlock`."""
        if LAYOUT == "newest":
            self.image_lock()
        else:
            self.mutex_take(self.buffer_mutex)

    def unlock(self):
        if LAYOUT == "newest":
            self.image_unlock()
        else:
            self.mutex_give(self.buffer_mutex)

    def __str__(self):
        return f"PluginRuntimeArgs(buffer_size={self.buffer_size}, bits_per_buffer={self.bits_per_buffer})"
