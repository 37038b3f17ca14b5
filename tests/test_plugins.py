"""Plugins as processes: how programs and the administrator enable them, and plugins of OpenPLC Runtime v4 run unmodified."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from harness import strucpp
from harness.debug_protocol import Debugger
from harness.plugins import Administrator, is_attached, plugins, wait_for, wait_logged
from harness.programs import bundle, single_task
from harness.runtime import BINARIES, PASSWORD, REPOSITORY, Runtime, bring_to_an_end, free_port
from harness.waiting import wait_until
from matiec.model import Variable

PLUGINS = Path(__file__).parent / "plugins"

# Counts in %QW0, %MW10 and %QX0.0, and shows what plugins write.
PLANT = bundle(
    single_task(
        "plant",
        [
            Variable("COUNT", "INT", location="%QW0"),
            Variable("LAMP", "BOOL", location="%QX0.0"),
            Variable("FROM_C", "INT", location="%IW10"),
            Variable("FROM_PYTHON", "INT", location="%IW11"),
            Variable("CYCLES", "INT", location="%MW20"),
            Variable("ECHO", "BOOL", location="%IX0.1"),
            Variable("SCANS", "UDINT"),
        ],
        """
  SCANS := SCANS + 1;
  COUNT := COUNT + 1;
  LAMP := TRUE;
""",
    )
)


def compiled(folder, *options, source="upstream_c.c"):
    path = folder / "plugin.so"
    source = PLUGINS / source
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", *options, source, "-o", path, "-lpthread"], check=True)
    return path


@pytest.fixture
def values(runtime, api, editor):
    session = editor.connect(runtime.url, api.token)
    yield Debugger(session, PLANT.variables)
    session.disconnect()


def with_conf(**files):
    program = PLANT
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        program = program.with_file(f"conf/{name}.json", text.encode())
    return program


def slave(port, **more):
    return {"network_configuration": {"host": "127.0.0.1", "port": port}, **more}


def with_slave(runtime, api, configuration):
    """Has the slave at work with this configuration, and not with that of a test before."""
    api.deploy(PLANT.zip())
    wait_until(lambda: "modbus_slave" not in plugins(api), "the slave of the test before to end")
    api.deploy(with_conf(modbus_slave=configuration).zip())
    wait_for(runtime, api, "modbus_slave")
    return plugins(api)["modbus_slave"]


class TestEnabling:
    def test_a_program_brings_its_plugins_and_takes_them_away(self, runtime, api):
        api.deploy(with_conf(modbus_slave=slave(free_port())).zip())
        wait_for(runtime, api, "modbus_slave")
        api.deploy(PLANT.zip())
        wait_until(lambda: "modbus_slave" not in plugins(api), "the plugin to end")

    def test_plugins_start_and_stop_with_the_plc(self, runtime, api):
        first = with_slave(runtime, api, slave(free_port()))["process"]
        assert api.stop() == "STOP:OK"
        wait_for(runtime, api, "modbus_slave", "stopped")
        assert api.start() == "START:OK"
        wait_for(runtime, api, "modbus_slave")
        wait_until(lambda: plugins(api)["modbus_slave"]["process"] not in (None, first), lambda: f"{plugins(api)}")

    def test_a_plugin_whose_configuration_stays_works_on_over_an_upload(self, runtime, api):
        configuration = slave(free_port())
        before = with_slave(runtime, api, configuration)
        api.deploy(with_conf(modbus_slave=configuration).with_md5("52" * 16).zip())
        assert plugins(api)["modbus_slave"]["process"] == before["process"]
        api.deploy(with_conf(modbus_slave=slave(free_port())).zip())
        wait_until(
            lambda: plugins(api)["modbus_slave"]["attached"] == before["attached"] + 1,
            lambda: f"the plugin with its new configuration: {plugins(api)}",
        )

    @pytest.mark.parametrize("content", ["", " \r\n", json.dumps(slave(1, enabled=False))])
    def test_an_empty_file_and_a_switched_off_plugin_start_nothing(self, api, content):
        api.deploy(PLANT.zip())
        wait_until(lambda: "modbus_slave" not in plugins(api), "the slave of the test before to end")
        api.deploy(with_conf(modbus_slave=content).zip())
        known = plugins(api)
        assert known.get("modbus_slave", {"state": "disabled"})["state"] == "disabled"
        assert not is_attached(api, "modbus_slave")

    def test_a_plugin_that_is_not_here_is_said_and_stops_nothing(self, runtime, api):
        start = runtime.output_size()
        api.deploy(with_conf(opcua=[]).with_md5("53" * 16).zip())
        wait_logged(api, "opcua")
        assert plugins(api)["opcua"]["state"] == "unknown"
        assert api.state() == "RUNNING", runtime.log(start)

    def test_the_administrators_plugins_are_not_disabled_by_an_upload(self, runtime, api, administrator, tmp_path):
        library = compiled(tmp_path)
        administrator.write(f"mine,{library},1,1,mine.json", mine={"mine": 1})
        api.deploy(PLANT.with_md5("54" * 16).zip())
        wait_for(runtime, api, "mine")
        process = plugins(api)["mine"]["process"]
        api.deploy(with_conf(modbus_slave=slave(free_port())).zip())
        wait_for(runtime, api, "modbus_slave")
        assert plugins(api)["mine"]["process"] == process


class TestPluginsOfOpenPlcRuntimeV4:
    @pytest.mark.parametrize("layout", ["", "2026-01"])
    def test_a_native_plugin(self, runtime, api, administrator, values, tmp_path, layout):
        library = compiled(tmp_path, *(["-DLAYOUT_2026_01"] if layout else []))
        administrator.write(f"native,{library},1,1,native.json,,{layout}", native={"greeting": "hello"})
        api.deploy(PLANT.with_md5(("55" if layout else "56") * 16).zip())
        wait_for(runtime, api, "native")
        wait_until(lambda: values.read("FROM_C") > 20, lambda: f"%QW0 in %IW10\n{runtime.log()[-3000:]}")
        assert values.read("FROM_C") <= values.read("COUNT")
        wait_until(lambda: values.read("CYCLES") > 5, "the cycles, which the plugin writes into the image itself")
        wait_logged(api, 'native: configured: {"greeting": "hello"}, 1024 slots, 8 bits')
        wait_until(
            lambda: api.stats()["plugin_stats"].get("native", {}).get("label") == "C plugin",
            lambda: f"the plugin's own figures: {api.stats()['plugin_stats']}",
        )
        answer = api.post("/api/plugin-command", {"plugin": "native", "command": "look", "params": {"at": 7}}).json()
        assert answer["heard"] == {"command": "look", "params": {"at": 7}}
        api.stop()
        wait_logged(api, "native: cleaned up")
        assert "native: loop stopped" in api.log_text()

    @pytest.mark.parametrize("layout", ["", "2026-01"])
    def test_a_python_plugin(self, runtime, api, administrator, values, layout):
        plugin = PLUGINS / "upstream_python.py"
        administrator.write(f"python,{plugin},1,0,python.json,,{layout}", python={"greeting": "hello"})
        api.deploy(PLANT.with_md5(("57" if layout else "58") * 16).zip())
        wait_for(runtime, api, "python")
        wait_until(lambda: values.read("FROM_PYTHON") > 20, lambda: f"%QW0 in %IW11\n{runtime.log()[-3000:]}")
        wait_until(lambda: values.read("ECHO"), "%QX0.0 in %IX0.1")
        wait_logged(api, "python: configured: {'greeting': 'hello'}, 100 %")
        api.stop()
        wait_logged(api, "python: cleaned up")

    def test_a_plugin_finds_an_image_of_another_size(self, runtime, api, administrator, tmp_path):
        administrator.write(f"native,{compiled(tmp_path)},1,1,native.json", native={"size": "of any"})
        api.deploy(PLANT.with_md5("69" * 16).zip())
        wait_logged(api, 'native: configured: {"size": "of any"}, 1024 slots')
        far = strucpp.Variable("FAR", "INT", location="%QW5000")
        sized = strucpp.single_task("sized", [far], "    FAR = 7;\n", image_conf="format_version=2\nint_output=16 words\n")
        api.deploy(strucpp.bundle(sized).zip())
        wait_logged(api, 'native: configured: {"size": "of any"}, 5001 slots')
        wait_for(runtime, api, "native")

    def test_a_plugin_may_stop_the_plc(self, runtime, api, administrator, tmp_path):
        # By a name of its own: the plugin of the test before may still be leaving.
        administrator.write(f"stopper,{compiled(tmp_path)},1,1,")
        api.deploy(PLANT.with_md5("59" * 16).zip())
        wait_for(runtime, api, "stopper")
        api.post("/api/plugin-command", {"plugin": "stopper", "command": "stop", "params": {}})
        wait_until(lambda: api.state() == "STOPPED", "the PLC to be stopped")
        wait_logged(api, "the test asked for it")

    @pytest.mark.parametrize("kind", ["init", "exception", "missing"])
    def test_a_plugin_that_cannot_work_is_explained(self, runtime, api, administrator, tmp_path, kind):
        line, configuration, said = {
            "init": (f"bad,{compiled(tmp_path)},1,1,bad.json", {"refuse": 1}, "init has returned -1"),
            "exception": (f"bad,{PLUGINS / 'upstream_python.py'},1,0,bad.json", {"fail": 1}, "as configured"),
            "missing": ("bad,/nowhere.so,1,1,bad.json", {}, "does not exist"),
        }[kind]
        administrator.write(line, bad=configuration)
        start = runtime.output_size()
        api.deploy(PLANT.with_md5({"init": "60", "exception": "61", "missing": "62"}[kind] * 16).zip())
        wait_until(lambda: said in runtime.log(start), lambda: f"{said}:\n{runtime.log(start)}")
        if kind != "missing":
            wait_until(lambda: said in (plugins(api)["bad"]["last_error"] or ""), lambda: f"{plugins(api)}")
        assert api.state() == "RUNNING"


class TestPrograms:
    """Plugins that are programs, and know nothing of how a plugin ends."""

    def test_a_program_ends_with_its_configuration(self, runtime, api, administrator, tmp_path):
        script = tmp_path / "program.sh"
        script.write_text('#!/bin/sh\ntrap "exit 0" TERM\necho $$ >"$0.pid"\nwhile :; do sleep 0.1; done\n')
        script.chmod(0o755)
        administrator.write(f"program,{script},1,2,")
        api.deploy(PLANT.with_md5("67" * 16).zip())
        pid = wait_until(lambda: Path(f"{script}.pid").exists() and Path(f"{script}.pid").read_text().strip(), "its start")
        assert Path(f"/proc/{pid}").exists()
        api.stop()
        wait_until(lambda: not Path(f"/proc/{pid}").exists(), "its end")

    def test_a_program_that_ends_by_itself_is_started_again(self, runtime, api, administrator, tmp_path):
        script = tmp_path / "short.sh"
        script.write_text('#!/bin/sh\necho started >>"$0.log"\n')
        script.chmod(0o755)
        administrator.write(f"short,{script},1,2,")
        start = runtime.output_size()
        api.deploy(PLANT.with_md5("68" * 16).zip())
        log = Path(f"{script}.log")
        wait_until(lambda: log.exists() and log.read_text().count("started") >= 3, lambda: runtime.log(start))
        assert "has ended by itself" in runtime.log(start)


class TestSupervision:
    """The launcher starts what the core has published. Programs run in the core, so they may publish, too."""

    @pytest.fixture
    def publish(self, runtime, api):
        """Puts configurations where those of the core are, past it."""
        # That the core has ended one by the stop shows that it will not look at the folder again.
        with_slave(runtime, api, slave(free_port()))
        api.stop()
        folder = runtime.data / "run" / "plugins"
        wait_until(lambda: not list(folder.glob("*.json")), "the end of all plugins")
        process = "openplc-modbus-slave"
        wait_until(lambda: process not in [there.name for there in runtime.processes()], "the slave to have left")
        published = []

        def publish(name):
            published.append(folder / f"{name}.json")
            unfinished = folder / f".{name}"
            unfinished.write_text("{}")
            unfinished.rename(published[-1])

        yield publish
        for file in published:
            file.unlink()
        wait_until(lambda: not self.hosts(runtime), "the end of what was published")
        api.start()

    @staticmethod
    def hosts(runtime):
        """Names of the plugins whose process is there."""
        names = []
        for process in runtime.processes():
            if process.name == "openplc-plugin-host" and process.state != "Z":
                try:
                    names += process.arguments()[1:2]
                except (FileNotFoundError, ProcessLookupError):
                    continue  # It ended while we looked.
        return names

    @staticmethod
    def program(folder):
        script = folder / "program.sh"
        script.write_text("#!/bin/sh\nexec sleep 600\n")
        script.chmod(0o755)
        return script

    def test_only_plugins_that_are_here_are_started(self, runtime, administrator, publish, tmp_path):
        administrator.write(f"here,{self.program(tmp_path)},0,2,")
        start = runtime.output_size()
        for number in range(40):
            publish(f"stranger{number}")
        # Looked at in the order in which they have come.
        publish("here")
        wait_until(lambda: self.hosts(runtime), "the plugin that is here")
        assert self.hosts(runtime) == ["here"]
        assert not [folder for folder in (runtime.data / "plugin-state").iterdir() if "stranger" in folder.name]
        assert "stranger" not in runtime.log(start)

    def test_no_more_than_the_scan_engine_has_places_for(self, runtime, administrator, publish, tmp_path):
        script = self.program(tmp_path)
        names = [f"many{number}" for number in range(34)]
        administrator.write(*(f"{name},{script},0,2," for name in names))
        start = runtime.output_size()
        for name in names:
            publish(name)
        wait_until(lambda: runtime.log(start).count("the most that there can be") == 2, lambda: runtime.log(start))
        wait_until(lambda: len(self.hosts(runtime)) == 32, lambda: f"{self.hosts(runtime)}")


class TestCommands:
    def test_a_command_to_nobody_is_refused_in_words(self, api):
        answer = api.post("/api/plugin-command", {"plugin": "nobody", "command": "x", "params": {}})
        assert (answer.status, "nobody" in answer.json()["error"]) == (200, True)

    @pytest.mark.parametrize("body", [{}, {"plugin": 1, "command": "x"}, {"plugin": "a"}, []])
    def test_half_a_command_is_refused(self, api, body):
        assert api.post("/api/plugin-command", body).status == 400

    def test_a_plugin_without_commands_says_so(self, runtime, api):
        api.deploy(with_conf(modbus_slave=slave(free_port())).zip())
        wait_for(runtime, api, "modbus_slave")
        answer = api.post("/api/plugin-command", {"plugin": "modbus_slave", "command": "dance", "params": {}})
        assert "error" in answer.json()


class TestAfterAnEnd:
    def test_a_plugin_outlives_the_scan_engine(self, runtime, api):
        """Its clients stay connected while the core is started anew."""
        process = with_slave(runtime, api, slave(free_port()))["process"]
        runtime.kill_process("openplc-core")
        wait_until(lambda: api.state() == "RUNNING", "the core to be back")
        wait_for(runtime, api, "modbus_slave")
        assert plugins(api)["modbus_slave"]["process"] == process

    def test_a_plugin_that_was_killed_is_back(self, runtime, api):
        before = with_slave(runtime, api, slave(free_port()))
        runtime.kill_process("openplc-modbus-slave")
        wait_until(lambda: plugins(api)["modbus_slave"]["attached"] > before["attached"], lambda: f"{plugins(api)}")
        assert plugins(api)["modbus_slave"]["process"] != before["process"]

    def test_inputs_of_a_plugin_that_is_wanted_no_longer_become_zero(self, tmp_path, editor):
        """Those of one that breaks are held here; whoever has been taken out is no reason to."""
        runtime = Runtime(tmp_path / "data")
        administrator = Administrator(runtime)
        (administrator.folder / "core.toml").write_text('[plugins]\nlost-inputs = "hold"\n')
        administrator.write(f"native,{compiled(tmp_path)},1,1,")
        runtime.start()
        try:
            api = runtime.login()
            api.deploy(PLANT.zip())
            session = editor.connect(runtime.url, api.token)
            values = Debugger(session, PLANT.variables)
            wait_until(lambda: values.read("FROM_C") > 5, lambda: f"%QW0 in %IW10\n{runtime.log()}")
            # Not by its death: it would be back soon.
            administrator.write()
            api.deploy(PLANT.with_md5("65" * 16).zip())
            wait_until(lambda: "native" not in plugins(api), "the plugin to end")
            wait_until(lambda: values.read("FROM_C") == 0, "the input to become zero")
            session.disconnect()
        finally:
            bring_to_an_end(runtime)


class TestDriver:
    @pytest.fixture
    def told(self, runtime, api, administrator, tmp_path):
        """What a driver has been told of %QX0.0, which the program has switched on."""
        device = tmp_path / "device"
        header = REPOSITORY / "crates" / "openplc-plugin-abi" / "include"
        library = compiled(tmp_path, f"-I{header}", f'-DDEVICE="{device}"', source="driver.c")
        administrator.write(f"driver,{library},1,1,")
        api.deploy(PLANT.with_md5("66" * 16).zip())

        def told():
            return device.read_text().splitlines() if device.exists() else []

        wait_until(lambda: "cycle_end 1" in told(), lambda: f"the driver to be told: {told()}\n{runtime.log()[-3000:]}")
        return told

    def test_a_driver_is_told_safe_outputs_before_it_ends(self, api, told):
        assert api.stop() == "STOP:OK"
        wait_until(lambda: "cleanup 0" in told(), lambda: f"the driver to end: {told()[-4:]}")
        assert told()[-3:] == ["cycle_end 0", "stop_loop 0", "cleanup 0"]

    def test_a_driver_is_told_that_outputs_are_off_while_the_scan_engine_is_away(self, runtime, api, told):
        runtime.launcher.send_signal(signal.SIGSTOP)
        try:
            runtime.process("openplc-core").kill()
            wait_until(lambda: told()[-1] == "cycle_end 0", lambda: f"the driver to be told: {told()[-4:]}")
        finally:
            runtime.launcher.send_signal(signal.SIGCONT)
        wait_until(lambda: told()[-1] == "cycle_end 1", lambda: f"the program to be back: {told()[-4:]}")


def test_the_command_line_shows_plugins(runtime, api, administrator, tmp_path):
    def openplcctl(*arguments):
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "OPENPLC_HOST": f"127.0.0.1:{runtime.port}"}
        command = [BINARIES / "openplcctl", *arguments]
        done = subprocess.run(command, env=environment | {"OPENPLC_PASSWORD": PASSWORD}, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done
        return done.stdout

    openplcctl("login", "--user", "engineer")
    administrator.write("lost,/nowhere.so,1,1,")
    api.deploy(with_conf(modbus_slave=slave(free_port())).with_md5("66" * 16).zip())
    wait_for(runtime, api, "modbus_slave")

    def rows():
        lines = [line.split() for line in openplcctl("plugins").splitlines()[1:]]
        return {line[0]: line[1] for line in lines if not line[0].endswith(":")}

    wait_until(lambda: rows() == {"lost": "missing", "modbus_slave": "attached"}, lambda: openplcctl("plugins"))
    assert {plugin["name"] for plugin in json.loads(openplcctl("plugins", "--json"))} == {"lost", "modbus_slave"}
