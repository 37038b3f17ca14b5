"""Runs one Python plugin: `init`, `start_loop`, and when it is time to end `stop_loop` and `cleanup`."""

import ctypes
import importlib.util
import os
import sys
import traceback

# Milliseconds between two looks at whether it is time to end; meanwhile the interpreter belongs to the plugin's threads.
LOOK = 250


class Library:
    """The C interface, as openplc_plugin.h declares it."""

    def __init__(self, path):
        self.c = ctypes.CDLL(path)
        self.c.openplc_plugin_open.argtypes = [ctypes.c_char_p, ctypes.c_int]
        self.c.openplc_plugin_arguments.restype = ctypes.c_void_p
        self.c.openplc_plugin_wait_until_leaving.argtypes = [ctypes.c_int]
        self.c.openplc_plugin_report_failure.argtypes = [ctypes.c_char_p]

    def open(self, name, layout):
        return self.c.openplc_plugin_open(name.encode(), int(layout == "2026-01"))

    def capsule(self):
        from shared.capsule_extraction import NAME

        new = ctypes.pythonapi.PyCapsule_New
        new.argtypes, new.restype = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p], ctypes.py_object
        return new(self.c.openplc_plugin_arguments(), NAME, None)

    def wait_until_leaving(self):
        """Whether the plugin was told to end; False where it has to be started anew."""
        while True:
            said = self.c.openplc_plugin_wait_until_leaving(LOOK)
            if said:
                return said == 1

    def report_failure(self, message):
        self.c.openplc_plugin_report_failure(message.encode(errors="replace"))

    def close(self):
        self.c.openplc_plugin_close()


def load(path):
    """The plugin's module, which finds its neighbours as if it were a script."""
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    name = os.path.splitext(os.path.basename(path))[0]
    specification = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    return module


def call(module, name):
    function = getattr(module, name, None)
    if function is not None:
        function()


def live(library, path):
    """Returns whether the plugin has ended because it was told to."""
    module = load(path)
    if not module.init(library.capsule()):
        raise RuntimeError("its init has not returned True")
    try:
        call(module, "start_loop")
        return library.wait_until_leaving()
    finally:
        call(module, "stop_loop")
        call(module, "cleanup")


def main():
    _, _, name, path, library, layout = sys.argv
    sys.argv = [path]
    from shared.plugin_runtime_args import set_layout

    set_layout(layout)
    library = Library(library)
    opened = library.open(name, layout)
    if opened != 0:
        # 1: there is nothing to do.
        sys.exit(0 if opened == 1 else 1)
    code = 1
    try:
        code = 0 if live(library, path) else 1
    except BaseException as error:  # whatever it is, it ends the plugin, and is to be seen
        traceback.print_exc()
        library.report_failure(f"The plugin ends: {type(error).__name__}: {error}")
    library.close()
    sys.stdout.flush()
    # Threads of the plugin may be in the way of an orderly end.
    os._exit(code)
