"""What Python plugins of OpenPLC Runtime v4 import: buffer access, logging and capsule extraction."""

from .capsule_extraction import safe_extract_runtime_args_from_capsule
from .iec_types import IEC_BOOL, IEC_BYTE, IEC_UDINT, IEC_UINT, IEC_ULINT
from .plugin_runtime_args import PluginRuntimeArgs
from .safe_buffer_access import SafeBufferAccess
from .safe_logging_access import SafeLoggingAccess

__all__ = [
    "IEC_BOOL",
    "IEC_BYTE",
    "IEC_UDINT",
    "IEC_UINT",
    "IEC_ULINT",
    "PluginRuntimeArgs",
    "SafeBufferAccess",
    "SafeLoggingAccess",
    "safe_extract_runtime_args_from_capsule",
]
