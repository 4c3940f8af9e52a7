from __future__ import annotations

from pathlib import Path

import pytest

from api.settings import Settings, SettingsError, read_settings, settings_table

ROOT = Path(__file__).parents[2]


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
    assert (settings.port, settings.directory, settings.image) == (9000, tmp_path, "sandlot/sandbox:latest")
    assert settings.key_file == tmp_path / "api-key"


def test_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The data directory is in the user's home unless set."""
    monkeypatch.delenv("SANDLOT_DATA_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read_settings().directory == tmp_path / ".sandlot"


def test_unusable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values that cannot be used are all named, in a line each, without their text: one may be a secret."""
    monkeypatch.setenv("SANDLOT_PORT", "http")
    monkeypatch.setenv("SANDLOT_FILE_MAX_BYTES", "0")
    with pytest.raises(SettingsError) as caught:
        read_settings()
    first, *lines = str(caught.value).splitlines()
    assert first == "These settings cannot be used:"
    assert [line.split(":")[0].strip() for line in lines] == ["SANDLOT_PORT", "SANDLOT_FILE_MAX_BYTES"]


def test_keys_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The keys are not in what a log or a traceback would show of the settings, or of what is made of them."""
    monkeypatch.setenv("SANDLOT_API_KEY", "sk-very-secret-key")
    monkeypatch.setenv("SANDLOT_S3_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("SANDLOT_S3_SECRET_ACCESS_KEY", "very-secret-too")
    settings = read_settings()
    assert "very" not in repr(settings) + repr(settings.to_config())
    assert settings.to_config().s3_secret_access_key == "very-secret-too"


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
