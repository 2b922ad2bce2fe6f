"""The settings as their page shows them."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from faceserver.config import Settings, load_settings
from faceserver.web.pages.shownsettings import shown_settings


class WithSecrets(Settings):
    """Settings as they may be one day."""

    model_config = SettingsConfigDict(env_prefix="FACESERVER_")

    backend: str = Field("", description="Where.")
    s3_secret: str = Field("", description="Hidden by its name.")
    pass_phrase: SecretStr | None = Field(None, description="Hidden by its type.")


def test_every_setting_is_shown_with_its_default(tmp_path: Path) -> None:
    shown = {each.name: each for each in shown_settings(load_settings(data_dir=tmp_path, port=1))}
    assert len(shown) == len(Settings.model_fields)
    assert shown["FACESERVER_PORT"].value == "1"
    assert shown["FACESERVER_PORT"].default == "8000"
    assert shown["FACESERVER_PORT"].is_changed
    assert not shown["FACESERVER_MAX_FACES"].is_changed
    assert not shown["FACESERVER_DETECTOR_OPTIONS"].is_changed
    assert shown["FACESERVER_COMPAT"].value.startswith("original,compreface,")
    assert all(each.description for each in shown.values())


def test_no_secret_is_shown() -> None:
    settings = WithSecrets.model_validate(
        {
            "backend": "postgresql://user:hunter2@db.example/faces",
            "s3_secret": "hunter2",
            "pass_phrase": "hunter2",
        }
    )
    shown = {each.name: each.value for each in shown_settings(settings)}
    assert shown["FACESERVER_BACKEND"] == "postgresql://***@db.example/faces"
    assert shown["FACESERVER_S3_SECRET"] == shown["FACESERVER_PASS_PHRASE"] == "***"
    assert "hunter2" not in repr(shown)
