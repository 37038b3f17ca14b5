"""The files in /etc/openplc-runtime: what an administrator changes counts, is kept, and never stops the plant."""

import pytest

from harness.programs import slow_to_compile
from harness.runtime import REPOSITORY
from harness.waiting import wait_until

FOLDER = "/etc/openplc-runtime"
NAMES = sorted(path.name for path in (REPOSITORY / "etc" / "openplc-runtime").iterdir())


@pytest.fixture
def settings(plant):
    """Writes a file and restarts what reads it; puts all files back."""
    kept = {name: plant.machine.path(f"{FOLDER}/{name}").read_bytes() for name in NAMES}

    def write(name, text):
        plant.machine.path(f"{FOLDER}/{name}").write_text(text)
        if name != "compile.toml":
            plant.machine.run("systemctl", "restart", f"openplc-{name.removesuffix('.toml')}.service")

    yield write
    for name, content in kept.items():
        plant.machine.path(f"{FOLDER}/{name}").write_bytes(content)
    plant.machine.run("systemctl", "restart", "openplc-api.service", "openplc-core.service")


def details(api):
    return wait_until(lambda: api.status(stats=True).get("runtime"), "the core's status")


def warnings(plant, unit):
    entries = plant.machine.journal(f"--unit={unit}", "--boot", "--priority=warning")
    return [entry["MESSAGE"] for entry in entries]


def test_files_are_configuration_that_all_may_read_and_root_may_change(plant):
    listed = plant.machine.output("dpkg-query", "--show", "--showformat=${Conffiles}", "openplc-runtime")
    assert {line.split()[0] for line in listed.splitlines() if line.strip()} == {f"{FOLDER}/{name}" for name in NAMES}
    for name in NAMES:
        assert plant.machine.output("stat", "--format=%U %G %a", f"{FOLDER}/{name}") == "root root 644"


def test_as_installed_they_change_nothing_and_nobody_complains(plant, api, settings):
    assert details(api)["settings_problems"] == []


def test_a_setting_counts_from_the_next_start(plant, api, programs, settings):
    api.deploy(programs.blink.zip())
    settings("core.toml", '[real-time]\npolicy = "round-robin"\npriority = 42\ncpus = [0]\nlock-memory = false\n')
    wait_until(lambda: api.state() == "RUNNING", "the program to run again")
    told = details(api)["real_time"]
    assert told == "scans run SCHED_RR 42 on CPU 0; memory is not locked (lock-memory in core.toml)"
    process = plant.machine.properties("openplc-core.service", "MainPID")["MainPID"]
    tasks = plant.machine.output("ps", "-L", "-o", "comm=,cls=,rtprio=,psr=", "-p", process).splitlines()
    scans = [task.split() for task in tasks if task.startswith("scan")]
    assert scans and all(scan[1:] == ["RR", "42", "0"] for scan in scans), tasks


def test_an_idle_time_of_the_administrator_counts(plant, api, settings):
    settings("api.toml", 'exit-when-idle = "1s"\n')
    wait_until(lambda: plant.machine.active("openplc-api.service") == "inactive", "the idle end")


@pytest.mark.parametrize(
    "text, told",
    [
        ("real-time.priority = 95\n", "core.toml, line 1: real-time.priority cannot be 95"),
        ("real-time.prioritiy = 20\n", "core.toml, line 1: there is no setting real-time.prioritiy"),
        ("real-time = [\n", "this is no TOML"),
    ],
)
def test_a_wrong_file_of_the_core_is_told_and_the_plant_runs(plant, api, programs, settings, text, told):
    api.deploy(programs.blink.zip())
    settings("core.toml", text)
    wait_until(lambda: api.state() == "RUNNING", "the program to run again")
    assert any(told in problem for problem in details(api)["settings_problems"])
    assert any(told in line for line in warnings(plant, "openplc-core.service"))


def test_a_wrong_file_of_the_api_is_told_and_the_port_stays_open(plant, api, settings):
    settings("api.toml", 'session-lifetime = "for ever"\n')
    assert any("session-lifetime cannot be" in problem for problem in details(api)["settings_problems"])


def built(api, bundle):
    assert api.upload(bundle.zip(), clean=True).status == 200
    return api.follow_build()


@pytest.mark.parametrize("part, file", [("program", "POUS.c"), ("blocks", "c_blocks_code.cpp")])
def test_a_build_obeys_the_level_of_optimisation(plant, api, programs, settings, part, file):
    code = programs.blink.files[file] + b"\n#ifdef __OPTIMIZE__\n#error this is optimised\n#endif\n"
    program = programs.blink.with_file(file, code)
    build = built(api, program)
    assert build.status == "FAILED" and "this is optimised" in build.text, build
    settings("compile.toml", f"optimisation.{part} = 0\n")
    build = built(api, program)
    assert build.status == "SUCCESS", build


def test_a_build_obeys_the_limit_of_its_time(plant, api, programs, settings):
    settings("compile.toml", 'time-limit = "10s"\n')
    build = built(api, slow_to_compile(programs.blink, amount=400))
    assert build.status == "FAILED" and "longer than the 10 seconds" in build.text, build


def test_a_build_tells_what_is_wrong_in_its_file_and_is_made(plant, api, programs, settings):
    settings("compile.toml", 'time-limit = "1s"\n')
    build = built(api, programs.blink)
    assert build.status == "SUCCESS", build
    assert any("time-limit cannot be" in line for line in build.logs), build


def test_a_changed_file_outlives_a_removal(plant, settings):
    changed = 'log-level = "debug"\n'
    settings("core.toml", changed)
    plant.machine.run("apt-get", "remove", "--yes", "openplc-runtime")
    plant.install()
    assert plant.machine.path(f"{FOLDER}/core.toml").read_text() == changed
    plant.enable()
