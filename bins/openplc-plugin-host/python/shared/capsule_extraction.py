"""From the capsule that `init` gets to the structure in it."""

import ctypes

from .plugin_runtime_args import PluginRuntimeArgs

NAME = b"openplc_runtime_args"


def safe_extract_runtime_args_from_capsule(capsule):
    """The structure and `Success`; None and why not."""
    if type(capsule).__name__ != "PyCapsule":
        return None, f"a PyCapsule is expected, not {type(capsule).__name__}"
    get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
    get_pointer.argtypes, get_pointer.restype = [ctypes.py_object, ctypes.c_char_p], ctypes.c_void_p
    try:
        address = get_pointer(capsule, NAME)
    except ValueError as error:
        return None, f"the capsule is of another kind: {error}"
    arguments = ctypes.cast(address, ctypes.POINTER(PluginRuntimeArgs)).contents
    valid, why = arguments.validate_pointers()
    return (arguments, "Success") if valid else (None, why)
