import pytest

from faceserver.models.aliases import is_alias, resolved

KNOWN = {
    "mtcnn",
    "yunet",
    "sface",
    "inception_resnet/20180408-102900",
    "insightface/det_10g",
    "buffalo",
    "age",
    "gender",
}


@pytest.mark.parametrize(
    ("name", "here"),
    [
        ("mtcnn", "mtcnn"),
        ("facenet.FaceDetector", "mtcnn"),
        ("facenet.Calculator", "inception_resnet/20180408-102900"),
        ("facenet.Calculator@20180408-102900", "inception_resnet/20180408-102900"),
        ("facenet.Calculator@20180402-114759", "inception_resnet/20180402-114759"),
        ("facenet.Calculator@20170512-110547", "inception_resnet/20170512-110547"),
        ("insightface.FaceDetector@det_10g", "insightface/det_10g"),
        ("insightface.Calculator@buffalo", "buffalo"),
        ("insightface.Landmarks2d106Detector", "landmarks106"),
        ("insightface.PoseEstimator", "pose"),
        ("rude_carnie.age", "age"),
        ("rude_carnie.GenderDetector", "gender"),
        ("agegender.AgeDetector", "age"),
        ("agegender.gender", "gender"),
        ("facemask.MaskDetector", "mask"),
        ("nothing.known", "nothing.known"),
    ],
)
def test_names_lead_to_ours(name: str, here: str) -> None:
    if name == "facenet.Calculator@20180402-114759":
        assert resolved(name) == here
    assert resolved(name, KNOWN | {here}) == here


def test_what_is_there_is_no_alias() -> None:
    assert resolved("facenet.FaceDetector", {"facenet.FaceDetector"}) == "facenet.FaceDetector"
    assert is_alias("facenet.FaceDetector")
    assert not is_alias("sface")
