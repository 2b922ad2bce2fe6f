"""Adding a store: docs/extending.md."""

from pathlib import Path

import pytest

from faceserver.access.keys import KeyStore
from faceserver.app import create_app
from faceserver.config import load_settings
from faceserver.errors import InvalidSetting
from faceserver.store import Options
from faceserver.store.memory.store import MemoryStore
from faceserver.store.opening import stores
from faceserver.store.pictures import PictureFolder, PictureStore
from tests.extending.running import post, served
from tests.support.photographs import Photographs


class Jar(MemoryStore):
    """Keeps a gallery in the memory of this process; a picture that was kept stays."""

    def __init__(
        self,
        address: str,
        folder: Path,
        *,
        model: str,
        dims: int,
        options: Options,
        connections: int,
    ) -> None:
        del address, connections  # there is nothing to connect to
        super().__init__(model=model, dims=dims, undo_for=options.undo_for)
        self.pictures = PictureStore(options.place or PictureFolder(folder), keep=options.keep)
        self.sweeper = Idle()


class Idle:
    def start(self) -> None:
        """Nothing is left by a crash."""


def test_a_new_store_holds_the_faces_of_a_server(tmp_path: Path, photographs: Photographs) -> None:
    stores.add("jar", f"{__name__}:Jar")
    settings = load_settings(data_dir=tmp_path, store="jar://first")
    with served(settings) as client:
        added = post(client, "/v1/collections/default/faces", photographs["obama.jpg"])
        (face,) = added["faces"]
        found = post(client, "/v1/collections/default/search", photographs["obama2.jpg"])
        assert found["probes"][0]["matches"][0]["face"]["id"] == face["id"]
        with client.get(f"/v1/collections/default/faces/{face['id']}/picture") as picture:
            assert picture.mimetype == "image/jpeg"
        KeyStore(tmp_path).create("somebody", "read")  # keys are in the data folder still
        assert client.get("/v1/collections/default/faces").status_code == 401
    assert not (tmp_path / "faces.sqlite").exists()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"store": "jug://user:secret@host"}, "STORE: there is no 'jug'; there are: "),
        ({"store": "host=db password=secret"}, "STORE: there is no ''; there are: "),
        ({"engine": "abacus"}, "ENGINE: there is no 'abacus'; there are: caffe, "),
        ({"pictures": "shelf://first"}, "PICTURES: there is no 'shelf'; there are: "),
    ],
)
def test_names_that_nothing_has_are_refused_at_the_start(
    tmp_path: Path, settings: dict[str, str], told: str
) -> None:
    with pytest.raises(InvalidSetting) as refusal:
        create_app(load_settings(data_dir=tmp_path, **settings))
    assert str(refusal.value).startswith(f"FACESERVER_{told}")
    assert "secret" not in str(refusal.value)
