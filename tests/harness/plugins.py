"""What an administrator and the API say of plugins."""

import json

from harness.waiting import wait_until


class Administrator:
    """Who keeps plugins.conf."""

    def __init__(self, runtime):
        self.folder = runtime.data / "etc"
        self.folder.mkdir(parents=True, exist_ok=True)

    def write(self, *lines, **files):
        (self.folder / "plugins.conf").write_text("".join(line + "\n" for line in lines))
        for name, content in files.items():
            (self.folder / f"{name}.json").write_text(json.dumps(content))


def plugins(api):
    answer = api.get("/api/plugins")
    assert answer.status == 200, answer
    return {plugin["name"]: plugin for plugin in answer.json()["plugins"]}


def is_attached(api, name):
    return plugins(api).get(name, {}).get("state") == "attached"


def wait_for(runtime, api, name, state="attached"):
    def found():
        return plugins(api).get(name, {}).get("state") == state

    wait_until(found, lambda: f"plugin {name} to be {state}: {plugins(api)}\n{runtime.log()[-5000:]}")


def wait_logged(api, text):
    """The log that the Editor shows."""
    wait_until(lambda: text in api.log_text(), lambda: f"{text!r} in the log:\n{api.log_text()}")
