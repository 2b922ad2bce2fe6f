"""Labelled photographs as folders, lists, and LFW's pairs."""

from pathlib import Path

import numpy as np
import pytest

from faceserver.errors import InvalidArchive
from faceserver.evaluation.data import LabelledSet, Pair, read_sets
from faceserver.evaluation.embedding import Vectors, embed_photographs
from faceserver.evaluation.judge import judge
from faceserver.types import Floats
from tests.evaluation.conftest import DETECTOR
from tests.services.test_facade import BLACK, BLUE, GREEN, RED, png
from tests.support.fakes import ColourEmbedder, MirroredEmbedder


def only(path: Path, **options: object) -> LabelledSet:
    (found,) = read_sets(path, **options)  # type: ignore[arg-type]
    return found


def embedded(labelled: LabelledSet) -> Vectors:
    (vectors,) = embed_photographs(
        DETECTOR, [ColourEmbedder()], labelled.photographs, labelled.groups
    )
    return vectors


def test_a_folder_has_a_subfolder_for_each_person(folder: Path) -> None:
    (folder / "ann" / "notes.txt").write_text("no picture")
    (folder / "group.png").write_bytes(png(RED, BLUE, GREEN))
    labelled = only(folder)
    assert [path.relative_to(folder).as_posix() for path in labelled.photographs] == [
        "ann/1.png",
        "ann/2.png",
        "ben/1.png",
        "ben/2.png",
    ]
    assert labelled.people == (0, 0, 1, 1)
    assert labelled.groups == (folder / "group.png",)
    judgement = judge("colour", 0.1, embedded(labelled), labelled)
    assert (judgement.counts.same.sum(), judgement.counts.different.sum()) == (2, 4 + 3)


def test_a_list_names_pairs_and_groups(folder: Path) -> None:
    path = folder / "pairs.csv"
    path.write_text(
        "ann/1.png, ann/2.png, same, women\n\nann/1.png,ben/1.png,DIFFERENT\n"
        "ben/1.png,ben/2.png,1,men\n"
    )
    whole, women, men = read_sets(path)
    assert [each.name for each in (whole, women, men)] == ["pairs", "pairs: women", "pairs: men"]
    assert [each.part_of for each in (whole, women, men)] == [None, "pairs", "pairs"]
    assert whole.pairs == (Pair(0, 1, True), Pair(0, 2, False), Pair(2, 3, True))
    assert whole.photographs[2] == folder / "ben/1.png"
    assert men.photographs == (folder / "ben/1.png", folder / "ben/2.png")


def test_paths_of_a_list_begin_in_a_root(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("1.png,2.png,same\n")
    labelled = only(path, root=folder / "ann")
    assert labelled.photographs[0] == folder / "ann" / "1.png"


@pytest.mark.parametrize(
    "text", ["a.png,b.png\n", "a.png,b.png,maybe\n", 'a,"b', "\xff", "", "a,b,same,men,more\n"]
)
def test_a_list_that_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pairs.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InvalidArchive):
        read_sets(path)


LFW = """2\t1
Ann\t1\t2
Ann\t1\tBen\t1
Ben\t1\t2
Ann\t2\tBen\t2
"""


def test_lfws_pairs_with_its_folders(tmp_path: Path) -> None:
    (tmp_path / "pairs.txt").write_text(LFW)
    labelled = only(tmp_path / "pairs.txt")
    assert labelled.photographs[:2] == (
        tmp_path / "lfw" / "Ann" / "Ann_0001.jpg",
        tmp_path / "lfw" / "Ann" / "Ann_0002.jpg",
    )
    assert [(pair.same, pair.fold) for pair in labelled.pairs] == [
        (True, 0),
        (False, 0),
        (True, 1),
        (False, 1),
    ]
    assert labelled.central  # others stand behind the person


def test_lfws_photographs_may_be_of_another_format(tmp_path: Path) -> None:
    (tmp_path / "pairs.txt").write_text(LFW)
    (tmp_path / "faces" / "Ben").mkdir(parents=True)
    (tmp_path / "faces" / "Ben" / "Ben_0001.png").write_bytes(png(RED))
    labelled = only(tmp_path / "pairs.txt", root=tmp_path / "faces")
    assert tmp_path / "faces" / "Ben" / "Ben_0001.png" in labelled.photographs


@pytest.mark.parametrize(
    "text", [LFW + "Ann\t1\t2\n", LFW.replace("Ann\t1\t2", "Ann\t1\ttwo"), "2\t1\nAnn\t1\t2\n"]
)
def test_pairs_that_lfw_would_not_have(tmp_path: Path, text: str) -> None:
    (tmp_path / "pairs.txt").write_text(text)
    with pytest.raises(InvalidArchive):
        read_sets(tmp_path / "pairs.txt")


def test_what_shows_no_face_is_counted_and_told(folder: Path) -> None:
    (folder / "ann" / "3.png").write_bytes(png(BLACK))
    (folder / "ann" / "4.png").write_bytes(b"no picture")
    labelled = only(folder)
    seen: list[int] = []
    vectors = embed_photographs(
        DETECTOR, [ColourEmbedder()], labelled.photographs, advance=seen.append
    )[0]
    assert sum(seen) == 6
    judgement = judge("colour", 0.1, vectors, labelled)
    assert [path.name for path, _ in judgement.failures] == ["3.png", "4.png"]
    assert judgement.failure_to_detect == pytest.approx(2 / 6)
    assert (judgement.counts.same.sum(), judgement.counts.different.sum()) == (2, 4)
    # The worst pairs are called by the photographs that they are of.
    pair = judgement.counts.false_matches[0]
    names = {judgement.found[pair.a].parent.name, judgement.found[pair.b].parent.name}
    assert names == {"ann", "ben"}


def test_a_list_goes_on_without_the_pairs_that_show_no_face(folder: Path) -> None:
    (folder / "gone.csv").write_text(
        "ann/1.png,ann/2.png,same\nann/1.png,missing.png,same\nann/1.png,ben/1.png,different\n"
    )
    labelled = only(folder / "gone.csv")
    judgement = judge("colour", 0.1, embedded(labelled), labelled)
    assert (judgement.counts.same.sum(), judgement.counts.different.sum()) == (1, 1)
    assert "cannot be read" in judgement.failures[0][1]


def test_both_kinds_of_pairs_are_wanted(tmp_path: Path) -> None:
    (tmp_path / "ann").mkdir()
    for name in ("1.png", "2.png"):
        (tmp_path / "ann" / name).write_bytes(png(RED))
    labelled = only(tmp_path)
    with pytest.raises(InvalidArchive, match="found 1 and 0"):
        judge("colour", 0.1, embedded(labelled), labelled)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidArchive, match="found 0 and 0"):
        judge("colour", 0.1, embedded(only(tmp_path / "empty")), only(tmp_path / "empty"))


def test_several_embedders_look_at_each_photograph_once(folder: Path) -> None:
    labelled = only(folder)
    looked: list[int] = []

    class Counting(type(DETECTOR)):  # type: ignore[misc]
        def detect(self, image: np.ndarray) -> list[object]:
            looked.append(1)
            return list(super().detect(image))

    one, other = embed_photographs(
        Counting(), [ColourEmbedder(), MirroredEmbedder()], labelled.photographs
    )
    assert len(looked) == 4
    assert np.allclose(one.rows, other.rows[:, ::-1])


def colour(vectors: Vectors) -> Floats:
    return np.asarray(vectors.rows[0] / vectors.rows[0].max(), np.float32)


def test_the_person_is_the_largest_face_or_the_one_in_the_middle(tmp_path: Path) -> None:
    path = tmp_path / "three.png"
    path.write_bytes(png(RED, GREEN, BLUE))  # of one size: the first one is taken
    (first,) = embed_photographs(DETECTOR, [ColourEmbedder()], [path])
    (middle,) = embed_photographs(DETECTOR, [ColourEmbedder()], [path], central={path})
    assert np.argmax(colour(first)) == 0
    assert np.argmax(colour(middle)) == 1
