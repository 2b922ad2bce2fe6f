"""The web application while its parts load, and when they cannot."""

from contextlib import closing
from pathlib import Path
from threading import Event

import pytest
from flask.testing import FlaskClient

from faceserver import app as app_module
from faceserver.app import create_app, open_gallery, open_services
from faceserver.config import Settings, load_settings
from faceserver.errors import InvalidSetting, ModelError, NotReady, StoreError
from faceserver.lifecycle import Backend, Services
from faceserver.services.outcomes import NewPicture
from faceserver.vision.analyzer import Analyzer
from tests.e2e.server import Server
from tests.support.photographs import Photographs


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(data_dir=tmp_path / "data")


def backend_of(client: FlaskClient) -> Backend:
    backend = client.application.extensions["faceserver"]
    assert isinstance(backend, Backend)
    return backend


def test_until_the_parts_are_loaded_only_health_and_pages_answer(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on = Event()

    def wait_then_open(given: Settings) -> Services:
        assert may_go_on.wait(30)
        return open_services(given)

    monkeypatch.setattr(app_module, "open_services", wait_then_open)
    client = create_app(settings).test_client()
    backend = backend_of(client)

    health = client.get("/health")
    assert health.status_code == 503
    assert health.get_json()["status"] == "starting"
    assert health.get_json()["reason"]
    picture = client.get(f"/static/uploadImages/{'0' * 64}.jpg")
    assert (picture.status_code, picture.get_json()["error"]["code"]) == (503, "not_ready")
    assert client.get("/faceRegister.html").status_code == 200

    may_go_on.set()
    backend.wait()
    assert client.get("/health").status_code == 200
    backend.close()
    backend.close()


def test_attributes_are_stored_with_every_face_if_the_settings_say_so(
    tmp_path: Path, photographs: Photographs
) -> None:
    settings = load_settings(data_dir=tmp_path, attributes=("pose", "facenet.PoseEstimator"))
    picture = NewPicture.of_bytes("obama.jpg", photographs["obama.jpg"].read_bytes())
    with closing(open_services(settings)) as services:
        (face,) = services.registering.add("default", picture).faces
        assert set(face.attributes) == {"pose_pitch", "pose_roll", "pose_yaw"}
    unknown = load_settings(data_dir=tmp_path, attributes=("shoe_size",))
    with pytest.raises(InvalidSetting, match=r"FACESERVER_ATTRIBUTES.*shoe_size"):
        open_services(unknown)


def test_a_failed_start_says_why(tmp_path: Path) -> None:
    client = create_app(load_settings(models_dir=tmp_path, data_dir=tmp_path)).test_client()
    backend = backend_of(client)
    with pytest.raises(ModelError, match=r"model\.toml"):
        backend.wait()
    health = client.get("/health")
    assert health.status_code == 503
    assert health.get_json()["status"] == "failed"
    assert "model.toml" in health.get_json()["reason"]
    with pytest.raises(NotReady, match=r"model\.toml"):
        backend.services()
    backend.close()


def test_the_command_ends_when_the_start_fails(tmp_path: Path) -> None:
    server = Server(tmp_path, models_dir=str(tmp_path))
    with pytest.raises(AssertionError, match="model_error"):
        server.__enter__()
    assert server.process.returncode == 1
    assert not any("Traceback" in line for line in server.output)


def test_what_the_disk_has_lost_is_told(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(open_gallery(settings)) as store:
        store.collection().add_subject("Ann")
    (settings.data_dir / "faces.sqlite").unlink()
    client = create_app(settings).test_client()
    backend = backend_of(client)
    with closing(backend):
        backend.wait()
        health = client.get("/health").get_json()
        assert health["status"] == "ready"
        assert "the last 2 committed changes are missing" in health["loss"]
        assert "faceserver check --repair" in health["loss"]
        assert "the last 2 committed changes are missing" in caplog.text
        assert client.get("/v1/status").get_json()["lost_changes"] == 2
        assert "faceserver_lost_changes 2.0" in client.get("/metrics").text


def test_a_replica_of_nothing_is_refused(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path, read_store="postgresql://127.0.0.1/faces")
    with pytest.raises(InvalidSetting, match="FACESERVER_READ_STORE"):
        open_gallery(settings)


def test_services_have_the_processes_that_are_set_and_end_them(
    tmp_path: Path, photographs: Photographs
) -> None:
    settings = load_settings(
        data_dir=tmp_path / "data", detector="yunet", model="sface", vision_processes=1
    )
    with closing(open_services(settings)) as services:
        services.context.analyzer.warm_up()
        (process,) = children()
        data = photographs["obama.jpg"].read_bytes()
        services.registering.add("default", NewPicture("obama", lambda: data))
        assert services.searching.by_only_face(data)
        assert children() == [process]
    assert not children()


def children() -> list[str]:
    """The processes that this one has started and that find faces."""
    found = [path.read_text() for path in Path("/proc/self/task").glob("*/children")]
    pids = [pid for text in found for pid in text.split()]
    return [pid for pid in pids if b"worker.main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_nothing_stays_open_where_the_gallery_cannot_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[Analyzer] = []  # with processes of its own, these would go on

    def close(analyzer: Analyzer) -> None:
        closed.append(analyzer)

    monkeypatch.setattr(Analyzer, "close", close)
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(StoreError):
        open_services(load_settings(data_dir=tmp_path / "data"))
    assert len(closed) == 1
