"""IEC elementary types as they lie in the process image."""

import ctypes

IEC_BOOL = ctypes.c_uint8
IEC_BYTE = ctypes.c_uint8
IEC_UINT = ctypes.c_uint16
IEC_UDINT = ctypes.c_uint32
IEC_ULINT = ctypes.c_uint64
