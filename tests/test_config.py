from pathlib import Path

import pytest

from faceserver.config import Settings, load_settings
from faceserver.errors import InvalidSetting

ROOT = Path(__file__).resolve().parent.parent


def test_every_setting_has_a_help_text_and_stands_in_the_docs() -> None:
    docs = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert f"| `FACESERVER_{name.upper()}` |" in docs, name
        assert f"| {field.description} |" in docs, name


def test_the_environment_sets_and_overrides_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACESERVER_PORT", "9001")
    monkeypatch.setenv("FACESERVER_MAX_FACES", "64")
    assert load_settings().port == 9001
    assert load_settings(port=9002, host=None).port == 9002
    assert load_settings().max_faces == 64
    assert load_settings().host == "127.0.0.1"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "many"),
        ("PORT", "70000"),
        ("PRECISION", "f16"),
        ("MAX_FACES", "0"),
        ("DETECTOR_OPTIONS", "min_face"),
        ("URL_ALLOW_NETWORKS", "10.0.0.0/99"),
    ],
)
def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"FACESERVER_{name}", value)
    with pytest.raises(InvalidSetting, match=f"FACESERVER_{name}"):
        load_settings()


def test_networks_are_a_comma_separated_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACESERVER_URL_ALLOW_NETWORKS", "10.0.0.0/8, 192.168.7.0/24")
    assert load_settings().url_allow_networks == ("10.0.0.0/8", "192.168.7.0/24")


def test_the_detectors_options_are_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACESERVER_DETECTOR_OPTIONS", "min_face=60, onet_threshold = 0.7")
    assert load_settings().detector_options == {"min_face": "60", "onet_threshold": "0.7"}


def test_former_names_go_on_working(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("FACESERVER_EMBEDDER_MODEL", "sface")
    monkeypatch.setenv("FACESERVER_DETECTOR_MODEL", "yunet")
    assert load_settings().model == "sface"
    assert "use FACESERVER_MODEL=sface instead" in caplog.text
    assert load_settings(model="mine").model == "mine"
    monkeypatch.setenv("FACESERVER_DETECTOR", "mtcnn")
    assert load_settings().detector == "mtcnn"


def test_the_former_names_of_the_detectors_options_go_on_working(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("FACESERVER_MIN_FACE", "64")
    monkeypatch.setenv("FACESERVER_PNET_THRESHOLD", "0.9")
    monkeypatch.setenv("FACESERVER_DETECTOR_OPTIONS", "min_face=60")
    assert load_settings().detector_options == {"min_face": "60", "pnet_threshold": "0.9"}
    assert "FACESERVER_DETECTOR_OPTIONS=pnet_threshold=0.9" in caplog.text
