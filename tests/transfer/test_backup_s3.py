"""Backup, restore, check and repair of a gallery whose pictures lie on S3."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from faceserver.store import Options, open_store
from faceserver.store.pictures import Pictures, open_pictures
from faceserver.transfer.backup import back_up, restore
from faceserver.transfer.check import check_folder
from tests.store.samples import DIMS, MODEL, new_face, people
from tests.support.s3_server import S3Server
from tests.transfer.galleries import jpeg


@pytest.fixture
def place(tmp_path: Path, s3: S3Server) -> Pictures:
    return open_pictures(tmp_path / "data", s3.options(uuid4().hex))


def filled(folder: Path, place: Pictures, count: int) -> list[str]:
    """A gallery of so many faces, each with a picture; the pictures' names."""
    options = Options(place=place)
    with closing(open_store(folder, model=MODEL, dims=DIMS, options=options)) as store:
        with store.pictures.batch() as save:
            names = [save(jpeg(number)) for number in range(count)]
            faces = [new_face(vector) for vector in people(count)]
            store.collection().add(
                [replace(face, picture=name) for face, name in zip(faces, names, strict=True)]
            )
        return names


def test_a_backup_holds_the_pictures_and_brings_them_back(
    tmp_path: Path, place: Pictures, s3: S3Server
) -> None:
    folder = tmp_path / "data"
    names = filled(folder, place, 3)
    done = back_up(folder, tmp_path / "backup.zip", pictures=place)
    assert (done.faces, done.pictures, done.missing) == (3, 3, ())
    place.delete(names)

    again = restore(tmp_path / "backup.zip", folder, pictures=place, force=True)
    assert (again.faces, again.pictures) == (3, 3)
    assert sorted(place.names()) == sorted(names)
    assert not (folder / "uploadImages").exists()
    assert check_folder(folder, pictures=place) == []

    # The same backup goes into a plain folder, too.
    restore(tmp_path / "backup.zip", tmp_path / "plain")
    assert check_folder(tmp_path / "plain") == []


def test_a_check_finds_what_is_missing_damaged_or_of_no_face(
    tmp_path: Path, place: Pictures
) -> None:
    folder = tmp_path / "data"
    names = filled(folder, place, 3)
    place.delete(names[:1])
    stray = place.save(b"of no face")
    found = check_folder(folder, pictures=place)
    assert {finding.what for finding in found} == {
        f"picture {names[0]}: it is missing",
        f"picture {stray}: no face is in it",
    }
    assert all(finding.mended for finding in check_folder(folder, pictures=place, repair=True))
    assert check_folder(folder, pictures=place) == []
    assert sorted(place.names()) == sorted(names[1:])


def test_a_purge_empties_the_bucket(tmp_path: Path, place: Pictures) -> None:
    folder = tmp_path / "data"
    names = filled(folder, place, 3)
    with closing(open_store(folder, model=MODEL, dims=DIMS, options=Options(place=place))) as store:
        assert store.purge().pictures == len(names)
    assert list(place.names()) == []
