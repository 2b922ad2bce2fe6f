"""Texts that PostgreSQL cannot hold, or not in an index, as ids, names and filters."""

from contextlib import closing
from pathlib import Path

import pytest

from faceserver.errors import AlreadyExists, NotFound
from faceserver.types import Filter
from tests.store.samples import new_face, people
from tests.support.postgres import open_shared


def test_what_no_row_can_hold_is_found_in_none(postgres_url: str, tmp_path: Path) -> None:
    with closing(open_shared(postgres_url, tmp_path)) as store:
        collection = store.collection()
        collection.add([new_face(people(1)[0], tags=("t",), external_id="e")])
        for text in ("\0", "a\0b", "\udcff", "%s", "' OR 1=1 --"):
            with pytest.raises(NotFound):
                collection.get(text)
            with pytest.raises(NotFound):
                collection.subject(text)
            with pytest.raises(NotFound):
                store.collection(text)
            assert collection.subject_named(text) is None
            assert collection.subjects(limit=9, called=text).items == ()
            assert collection.delete([text]) == 0
            for only in (
                Filter(subject=text),
                Filter(tags=(text,)),
                Filter(external_id=text),
                Filter(picture=text),
            ):
                assert collection.faces(limit=9, only=only).items == ()


def test_long_names_and_odd_metadata_come_back(postgres_url: str, tmp_path: Path) -> None:
    name = "\ufdfa" * 200  # 18 letters each where names are compared
    metadata = {"a\0": ["\0", "😀", 1e300, -0.0, None], "π": {"": 12345678901234567890}}
    with closing(open_shared(postgres_url, tmp_path)) as store:
        collection = store.collection()
        made = collection.add_subject(name, metadata=metadata, tags=["x" * 200])
        assert collection.subject_named(name) == made
        assert collection.subject(made.id).metadata == metadata
        assert collection.subjects(limit=9, called="\ufdfa", tags=["x" * 200]).items == (made,)
        with pytest.raises(AlreadyExists):
            collection.add_subject(name)
        source = "é\ufffd" * 900
        (face,) = collection.add(
            [new_face(people(1)[0], source, external_id="é" * 500, tags=("ü" * 200,))]
        )
        assert collection.get(face.id).source == source
        only = Filter(external_id="é" * 500, tags=("ü" * 200,))
        assert collection.faces(limit=9, only=only).items[0].id == face.id
