"""A Python plugin as one writes it for OpenPLC Runtime v4: it copies %QW0 to %IW11 and mirrors %QX0.0 to %IX0.1."""

import threading
import time

from shared import SafeBufferAccess, SafeLoggingAccess, safe_extract_runtime_args_from_capsule

access = None
log = None
thread = None
stopping = threading.Event()


def init(capsule):
    global access, log
    arguments, message = safe_extract_runtime_args_from_capsule(capsule)
    if arguments is None:
        print(message)
        return False
    access, log = SafeBufferAccess(arguments), SafeLoggingAccess(arguments)
    if not access.is_valid:
        return False
    configuration, message = access.get_config_file_args_as_map()
    log.log_info(f"configured: {configuration}, 100 %")
    if configuration.get("fail"):
        raise RuntimeError("as configured")
    return True


def work():
    while not stopping.is_set():
        value, message = access.read_int_output(0)
        if message == "Success":
            access.write_int_input(11, value)
        values, _ = access.batch_read_values([("bool_output", 0, 0), ("int_output", 0)])
        access.batch_write_values([("bool_input", 0, values[0][1], 1)])
        time.sleep(0.002)


def start_loop():
    global thread
    thread = threading.Thread(target=work)
    thread.start()


def stop_loop():
    stopping.set()
    thread.join()
    log.log_info("loop stopped")


def cleanup():
    log.log_info("cleaned up")
