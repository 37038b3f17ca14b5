"""The volume becomes read-only while it is written, as ext4 does by itself when a disk fails: the plant scans on."""

import shutil
import subprocess
from pathlib import Path

import pytest

from container.test_life import runs
from harness.runtime import PASSWORD, bring_to_an_end
from harness.scans import Scans
from harness.waiting import wait_until

REASON = "Read-only file system"


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def failing(container, tmp_path):
    """Makes the disk fail when it is called."""
    if not shutil.which("mkfs.ext4"):
        pytest.skip("mkfs.ext4 is not installed: no volume becomes read-only")
    image = tmp_path / "disk"
    with image.open("wb") as file:
        file.truncate(80 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    try:
        device = output("losetup", "--find", "--show", image)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"there is no loop device: no volume becomes read-only: {error.stderr}")
    container.data.mkdir()
    subprocess.run(["mount", "-o", "errors=remount-ro", device, container.data], check=True)

    yield lambda: Path(f"/sys/fs/ext4/{Path(device).name}/trigger_fs_error").write_text("1")

    bring_to_an_end(container)
    subprocess.run(["umount", "--lazy", container.data], check=True)
    subprocess.run(["losetup", "--detach", device], check=True)


def test_the_plant_scans_on_and_starts_on_a_volume_that_can_only_be_read(container, failing, programs, editor, witness):
    container.start()
    api = container.login()
    api.deploy(programs.blink.zip())
    wait_until(lambda: api.scan_count() > 50, "the first second of scans")
    scans = Scans(api, witness)
    failing()
    assert container.inside("touch", "/run/runtime/mark", check=False).returncode != 0
    assert api.upload(programs.types.zip(), clean=True).status == 200
    assert api.follow_build().status == "FAILED"
    assert REASON in container.log()
    scans.check()

    assert api.stop() == "STOP:OK"
    wait_until(lambda: REASON in api.log_text(), lambda: f"{REASON}: {api.log_text()}")
    assert api.start() == "START:OK"
    for name in ("openplc-core", "openplc-api"):
        container.kill_process(name)
        wait_until(container.answers, "the API")
        runs(container, api, editor, programs.blink)

    container.stop()
    container.start()
    assert "/run/runtime cannot be written" in container.log()
    api = container.api()
    api.login("engineer", PASSWORD)
    runs(container, api, editor, programs.blink)
