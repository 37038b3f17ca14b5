"""A Python plugin: numbers from a file that something else writes, such as a download, become inputs of the PLC.

In /etc/openplc-runtime/plugins.conf:

    weather,/usr/local/lib/openplc/weather.py,1,0,weather.json

and in /etc/openplc-runtime/weather.json:

    {"file": "/run/weather/numbers", "first_word": 100}

The file has whole numbers from 0 to 65535, one a line; the first is at %IW100, and so on.
"""

import threading

from shared import SafeBufferAccess, SafeLoggingAccess, safe_extract_runtime_args_from_capsule

SECONDS = 1.0


class Weather:
    def __init__(self, arguments):
        self.access, self.log = SafeBufferAccess(arguments), SafeLoggingAccess(arguments)
        configuration, message = self.access.get_config_file_args_as_map()
        if not configuration:
            raise ValueError(message)
        self.file, self.first = configuration["file"], configuration["first_word"]
        self.stopping, self.thread = threading.Event(), threading.Thread(target=self.work)
        self.said = None

    def work(self):
        while not self.stopping.wait(SECONDS):
            try:
                with open(self.file, encoding="ascii") as lines:
                    numbers = [int(line) for line in lines]
            except (OSError, ValueError) as error:
                self.say(f"{self.file} cannot be used: {error}")
                continue
            writes = [("int_input", self.first + place, number) for place, number in enumerate(numbers)]
            results, _ = self.access.batch_write_values(writes)
            wrong = [message for success, message in results if not success]
            self.say(wrong[0] if wrong else None)

    def say(self, problem):
        """A problem once, not every second."""
        if problem and problem != self.said:
            self.log.log_warn(problem)
        self.said = problem


weather = None


def init(capsule):
    global weather
    arguments, message = safe_extract_runtime_args_from_capsule(capsule)
    if arguments is None:
        print(message)
        return False
    weather = Weather(arguments)
    return True


def start_loop():
    weather.thread.start()


def stop_loop():
    weather.stopping.set()
    weather.thread.join()
