from pathlib import Path

import pytest
import trustme

from tests.app.cli.conftest import Run


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration that a server would start with."""
    certificate = trustme.CA().issue_cert("mail.example.org")
    chain = b"".join(pem.bytes() for pem in certificate.cert_chain_pems)
    (tmp_path / "cert.pem").write_bytes(chain)
    certificate.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    path = tmp_path / "pillarbox.toml"
    path.write_text(
        'server.hostname = "mail.example.org"\n[tls]\ncertificate = "cert.pem"\nkey = "key.pem"\n'
    )
    return path


def test_fine(run: Run, config: Path) -> None:
    assert run("--config", str(config), "check-config").stdout == f"fine: {config}\n"


def test_a_certificate_that_clients_would_refuse(run: Run, config: Path) -> None:
    other = config.read_text().replace("mail.example.org", "pop.example.org")
    config.write_text(other)
    result = run("--config", str(config), "check-config")
    assert result.stdout == f"fine, with 1 warning: {config}\n"
    assert result.stderr.startswith(
        f'warning: {config}: server.hostname: "pop.example.org" is not a name of the certificate'
    )


@pytest.mark.parametrize("below", ["", "/below"])
def test_a_store_path_that_is_a_file(run: Run, config: Path, tmp_path: Path, below: str) -> None:
    file = tmp_path / "file"
    file.write_text("precious")
    result = run(
        "--config", str(config), "--set", f"store.path={file}{below}", "check-config", code=2
    )
    assert f"store.path: {file} is not a folder" in result.stderr


def test_a_command_says_that_store_path_is_a_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for command in (["user", "list"], ["user", "add", "alice", "--password-stdin"]):
        result = run("--set", f"store.path={tmp_path}/file", *command, code=2, input="secret\n")
        assert f"{tmp_path}/file (store.path) is not a folder" in result.stderr


@pytest.mark.parametrize("door", ["pop3s", "lmtp", "http"])
def test_a_name_to_listen_on_that_does_not_resolve(run: Run, config: Path, door: str) -> None:
    listen = f"listen.{door}=localhost:1234,nowhere.invalid:4711"
    result = run("--config", str(config), "--set", listen, "check-config", code=2)
    assert f"listen.{door}: cannot listen on nowhere.invalid:4711: the name is not found" in (
        result.stderr
    )
    assert "localhost" not in result.stderr


def test_the_file_in_the_working_directory_is_the_one(run: Run, config: Path) -> None:
    assert run("check-config").stdout == f"fine: {config}\n"


def test_warnings_are_shown_and_do_not_count(run: Run, config: Path) -> None:
    with config.open("a") as file:
        file.write("[limits]\nidle_timeout = 60\n")
    result = run("--config", str(config), "check-config")
    assert result.stdout == f"fine, with 1 warning: {config}\n"
    assert result.stderr.startswith(f"warning: {config}:6: limits.idle_timeout: ")


@pytest.mark.parametrize("file", ["cert.pem", "key.pem"])
def test_a_certificate_or_key_that_cannot_be_used(run: Run, config: Path, file: str) -> None:
    broken = config.with_name(file)
    for content in (None, "garbage"):
        broken.unlink(missing_ok=True)
        if content:
            broken.write_text(content)
        result = run("--config", str(config), "check-config", code=2)
        assert "tls.certificate" in result.stderr
        assert str(broken) in result.stderr


def test_nothing_is_made(run: Run, config: Path, store: Path) -> None:
    run("--config", str(config), "check-config")
    assert not store.exists()


def test_without_a_certificate_the_defaults_do_not_serve(run: Run) -> None:
    result = run("check-config", code=2)
    assert result.stderr.startswith("listen.pop3s: a door with TLS needs a certificate; ")
