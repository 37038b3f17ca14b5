"""Lines for the log that the OpenPLC Editor shows, and the journal."""


class SafeLoggingAccess:
    """Each function returns whether the line was logged, and `Success` or why not."""

    def __init__(self, runtime_args):
        self.args = runtime_args
        missing = [name for name in ("log_info", "log_debug", "log_warn", "log_error") if not getattr(runtime_args, name)]
        self.is_valid = not missing
        self.error_msg = f"NULL: {', '.join(missing)}" if missing else "Success"

    def log_info(self, message):
        return self._log("log_info", message)

    def log_debug(self, message):
        return self._log("log_debug", message)

    def log_warn(self, message):
        return self._log("log_warn", message)

    def log_error(self, message):
        return self._log("log_error", message)

    def _log(self, function, message):
        if not self.is_valid:
            return False, self.error_msg
        if not isinstance(message, str):
            return False, f"a line is a str, not {type(message).__name__}"
        # The functions take formats.
        line = message.replace("\0", "").replace("%", "%%")
        getattr(self.args, function)(line.encode())
        return True, "Success"
