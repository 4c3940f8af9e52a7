from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

import pytest
import trustme

from api.settings import Settings, SettingsError, read_settings, settings_table
from runtime.config import Config
from runtime.egress.config import EgressConfig

ROOT = Path(__file__).parents[2]


def refusal() -> list[str]:
    """The lines that say why the settings are refused."""
    with pytest.raises(SettingsError) as caught:
        read_settings()
    return str(caught.value).splitlines()


def test_table_is_current() -> None:
    """docs/settings.md is what `python -m api.settings` prints."""
    assert (ROOT / "docs" / "settings.md").read_text() == settings_table()


def test_every_setting_is_described() -> None:
    """The table has a meaning for every setting."""
    assert all(field.description for field in Settings.model_fields.values())


def test_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Settings come from variables with the prefix; an empty one counts as not set."""
    monkeypatch.setenv("SANDLOT_PORT", "9000")
    monkeypatch.setenv("SANDLOT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SANDLOT_IMAGE", "")
    settings = read_settings()
    assert (settings.port, settings.data_dir, settings.image) == (9000, tmp_path, "sandlot/sandbox:latest")
    assert settings.key_file == tmp_path / "api-key"


def test_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The data directory is in the user's home unless set."""
    monkeypatch.delenv("SANDLOT_DATA_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read_settings().data_dir == tmp_path / ".sandlot"


def test_relative_paths(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A path is meant from where the service starts, or from the user's home."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/user")
    monkeypatch.setenv("SANDLOT_DATA_DIR", "data")
    monkeypatch.setenv("SANDLOT_SKILLS_DIR", "~/skills")
    config = read_settings().to_config()
    assert (config.data_dir, config.skills_dir) == (tmp_path / "data", Path("/home/user/skills"))


def test_unusable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values that cannot be used are all named, in a line each, without their text: one may be a secret."""
    monkeypatch.setenv("SANDLOT_PORT", "http")
    monkeypatch.setenv("SANDLOT_FILE_MAX_BYTES", "0")
    first, *lines = refusal()
    assert first == "These settings cannot be used:"
    assert [line.split(":")[0].strip() for line in lines] == ["SANDLOT_PORT", "SANDLOT_FILE_MAX_BYTES"]


def test_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong is said in an operator's words: no pattern, no name of an exception, no place in capitals."""
    monkeypatch.setenv("SANDLOT_BLOB_URL", "/srv/blobs")
    monkeypatch.setenv("SANDLOT_S3_ENDPOINT", "s3.example.com")
    monkeypatch.setenv("SANDLOT_EGRESS_PRIVATE_RANGES", '{"git.corp.example": ["10.0.0.1/8"]}')
    monkeypatch.setenv("SANDLOT_SECRETS_KEY", "short")
    assert refusal()[1:] == [
        "  SANDLOT_BLOB_URL: it has to be 's3://bucket' or 's3://bucket/prefix'",
        "  SANDLOT_S3_ENDPOINT: it has to begin with 'https://' or 'http://'",
        "  SANDLOT_EGRESS_PRIVATE_RANGES.git.corp.example.0: 10.0.0.1/8 has host bits set",
        "  SANDLOT_SECRETS_KEY: it has to be at least 16 characters long",
    ]


def test_misspelt(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused, with what is meant; in small letters a name is the same, and what is like none is let be."""
    monkeypatch.setenv("sandlot_port", "9000")
    monkeypatch.setenv("SANDLOT_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("SANDLOT_PORT_8080_TCP", "tcp://10.0.0.1:8080")
    monkeypatch.setenv("SANDLOT_ALLOWED_DOMAIN", "example.com")
    assert refusal()[1:] == [
        "  SANDLOT_ALLOWED_DOMAIN: there is no such setting; is SANDLOT_ALLOWED_DOMAINS meant?",
    ]


def test_keys_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The keys are not in what a log or a traceback would show of the settings, or of what is made of them."""
    monkeypatch.setenv("SANDLOT_API_KEY", "sk-very-secret-key")
    monkeypatch.setenv("SANDLOT_S3_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("SANDLOT_S3_SECRET_ACCESS_KEY", "very-secret-too")
    monkeypatch.setenv("SANDLOT_SECRETS_KEY", "very-secret-as-well")
    settings = read_settings()
    assert "very" not in repr(settings) + repr(settings.to_config())
    assert settings.to_config().s3_secret_access_key == "very-secret-too"
    assert settings.to_config().secrets_key == "very-secret-as-well"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BLOB_URL", "file:///blobs"),
        ("BLOB_URL", "s3://"),
        ("S3_ENDPOINT", "127.0.0.1:9000"),
        ("S3_SECRET_ACCESS_KEY", "without an id"),
    ],
)
def test_blob_storage_that_cannot_be(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """A place for blobs that isn't one is noticed before anything is connected to."""
    monkeypatch.setenv(f"SANDLOT_{name}", value)
    with pytest.raises(SettingsError, match=name):
        read_settings()


def test_key_id_without_its_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a pair of keys would be passed over without a word."""
    monkeypatch.setenv("SANDLOT_S3_ACCESS_KEY_ID", "id")
    with pytest.raises(SettingsError, match="S3_SECRET_ACCESS_KEY"):
        read_settings()


def test_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without settings the runtime has its own defaults; an empty variable is none."""
    monkeypatch.setenv("SANDLOT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SANDLOT_ALLOWED_DOMAINS", "")
    assert read_settings().to_config() == Config(data_dir=tmp_path)


def test_the_way_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Lists are separated by commas, ranges are JSON with names in their canonical form, certificates are in a file."""
    bundle = tmp_path / "bundle.pem"
    trustme.CA().cert_pem.write_to_path(bundle)
    monkeypatch.setenv("SANDLOT_ALLOWED_DOMAINS", "api.example.com, *.example.org,")
    monkeypatch.setenv("SANDLOT_EGRESS_EXTRA_PORTS", "22,5432")
    monkeypatch.setenv("SANDLOT_EGRESS_PRIVATE_RANGES", '{"Git.Corp.Example.": ["10.0.0.0/8", "fd00::/8"]}')
    monkeypatch.setenv("SANDLOT_EGRESS_MAX_CONNECTIONS", "7")
    monkeypatch.setenv("SANDLOT_EGRESS_MAX_BYTES", "1000000")
    monkeypatch.setenv("SANDLOT_CA_BUNDLE", str(bundle))
    egress = read_settings().to_config().egress
    assert egress == EgressConfig(
        allowed_domains=("api.example.com", "*.example.org"),
        extra_ports=(22, 5432),
        private_ranges={"git.corp.example": [IPv4Network("10.0.0.0/8"), IPv6Network("fd00::/8")]},
        max_connections=7,
        max_bytes=1_000_000,
        ca_bundle=bundle,
    )
    assert egress.ports == [22, 80, 443, 5432]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALLOWED_DOMAINS", "example.com,https://example.org"),
        ("ALLOWED_DOMAINS", "10.0.0.1"),
        ("EGRESS_EXTRA_PORTS", "22,ssh"),
        ("EGRESS_EXTRA_PORTS", "65536"),
        ("EGRESS_PRIVATE_RANGES", '{"10.0.0.1": ["10.0.0.0/8"]}'),
        ("EGRESS_PRIVATE_RANGES", '{"git.corp.example": ["10.0.0.1/8"]}'),
        ("EGRESS_PRIVATE_RANGES", "git.corp.example=10.0.0.0/8"),
        ("EGRESS_MAX_CONNECTIONS", "0"),
        ("EGRESS_MAX_BYTES", "0"),
        ("CA_BUNDLE", "/nowhere.pem"),
        ("CA_BUNDLE", __file__),
        ("SECRETS_KEY", "15 characters.."),
    ],
)
def test_a_way_out_that_cannot_be(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """What isn't a domain, a port, a range, a limit, certificates or a key is noticed at the start, and named."""
    monkeypatch.setenv(f"SANDLOT_{name}", value)
    with pytest.raises(SettingsError, match=name):
        read_settings()
