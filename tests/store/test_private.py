import stat
from pathlib import Path

from faceserver.store import open_store


def test_a_new_data_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "gallery"
    open_store(folder, model="synthetic", dims=8).close()
    assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IRWXU
