"""The certificate and what TLS accepts."""

import socket
import ssl
import subprocess

import pytest

from harness.api import unverified
from harness.waiting import wait_until


def certificate(runtime):
    return ssl.get_server_certificate(("127.0.0.1", runtime.port))


def described(pem, *what):
    """What openssl says about a certificate."""
    command = ["openssl", "x509", "-noout", *what]
    return subprocess.run(command, input=pem, capture_output=True, text=True, check=True).stdout


def versions(runtime, version):
    """The handshake with one version of TLS and nothing else."""
    context = unverified()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with socket.create_connection(("127.0.0.1", runtime.port), timeout=5) as plain:
        with context.wrap_socket(plain) as connection:
            return connection.version()


class TestOurOwnCertificate:
    def test_names_the_host_and_its_addresses(self, runtime):
        names = described(certificate(runtime), "-ext", "subjectAltName")
        for name in ("DNS:localhost", "IP Address:127.0.0.1", f"DNS:{socket.gethostname()}"):
            assert name in names, names

    def test_is_verified_by_whoever_trusts_it(self, runtime, tmp_path):
        path = tmp_path / "trusted.pem"
        path.write_text(certificate(runtime))
        context = ssl.create_default_context(cafile=path)
        with socket.create_connection(("127.0.0.1", runtime.port), timeout=5) as plain:
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
                assert connection.getpeercert()

    def test_is_valid_now_and_for_a_year(self, runtime):
        assert "not expire" in described(certificate(runtime), "-checkend", str(365 * 86400))

    def test_is_renewed_before_it_expires(self, fresh_runtime):
        """With the same key, so that who remembers the key goes on to trust."""
        before = certificate(fresh_runtime)
        path, key = files(fresh_runtime)
        fresh_runtime.stop()
        subject = described(before, "-subject", "-nameopt", "compat").removeprefix("subject=").strip()
        parts = "/".join(part.strip().replace(" = ", "=") for part in subject.strip("/").split("/"))
        subprocess.run(
            ["openssl", "req", "-x509", "-key", key, "-days", "3", "-subj", "/" + parts, "-out", path], check=True
        )
        fresh_runtime.start()
        after = certificate(fresh_runtime)
        assert "not expire" in described(after, "-checkend", str(300 * 86400))
        assert described(after, "-pubkey") == described(before, "-pubkey")


def files(runtime):
    """Certificate and key on disk."""
    certificates = sorted(runtime.data.rglob("cert*.pem"))
    keys = sorted(runtime.data.rglob("key*.pem"))
    assert len(certificates) == len(keys) == 1
    return certificates[0], keys[0]


@pytest.mark.parametrize("kind", [["rsa:2048"], ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]], ids=["RSA", "EC"])
def test_an_administrator_s_certificate_is_used_and_never_replaced(fresh_runtime, kind):
    """Even one that expires tomorrow."""
    path, key = files(fresh_runtime)
    fresh_runtime.stop()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", *kind, "-nodes", "-days", "1", "-subj", "/O=The plant/CN=plc",
         "-keyout", key, "-out", path],
        check=True, capture_output=True,
    )  # fmt: skip
    contents = path.read_bytes(), key.read_bytes()
    fresh_runtime.start()
    assert certificate(fresh_runtime).strip() == contents[0].decode().strip()
    fresh_runtime.restart()
    assert (path.read_bytes(), key.read_bytes()) == contents


def test_tls_of_today(runtime):
    assert versions(runtime, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
    assert versions(runtime, ssl.TLSVersion.TLSv1_2) == "TLSv1.2"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_no_tls_of_yesterday(runtime, version):
    with pytest.raises(OSError):
        versions(runtime, version)


def test_a_broken_certificate_does_not_end_in_silence(fresh_runtime):
    """The user reads why, or can connect all the same."""
    path, _ = files(fresh_runtime)
    fresh_runtime.stop()
    path.write_text("no certificate\n")
    output = fresh_runtime.output_size()
    try:
        fresh_runtime.start()
    except AssertionError:
        pass
    wait_until(lambda: str(path) in fresh_runtime.log(output), lambda: f"the reason: {fresh_runtime.log(output)}")
    assert path.read_text() == "no certificate\n", "what is there may be an administrator's"
