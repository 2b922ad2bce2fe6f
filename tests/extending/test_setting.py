"""Adding a setting: docs/extending.md."""

import pytest
from click.testing import CliRunner
from pydantic import Field

from faceserver import config
from faceserver.cli import main as command
from faceserver.config import Settings, load_settings
from faceserver.errors import InvalidSetting


class Extended(Settings):
    max_smiles: int = Field(3, ge=1, description="Maximum number of smiles in one picture.")


@pytest.fixture(autouse=True)
def _extended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "Settings", Extended)
    monkeypatch.setattr(command, "Settings", Extended)


def test_a_new_setting_is_read_checked_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACESERVER_MAX_SMILES", "5")
    assert load_settings().max_smiles == 5  # type: ignore[attr-defined]
    told = CliRunner().invoke(command.main, ["settings"]).output
    assert "FACESERVER_MAX_SMILES=5\n    Maximum number of smiles in one picture.\n" in told
    monkeypatch.setenv("FACESERVER_MAX_SMILES", "0")
    with pytest.raises(InvalidSetting, match=r"MAX_SMILES: .*greater than or equal to 1"):
        load_settings()
