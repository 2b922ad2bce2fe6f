"""Every method of compreface-sdk, against the server that is given; prints what was answered.

Arguments: host, port, key, and the paths of a person, the same one again, and another person.
"""

import json
import sys
from pathlib import Path

from compreface import CompreFace  # type: ignore[import-not-found]

host, port, key, person, again, other = sys.argv[1:]
face = CompreFace(f"http://{host}", port, {"limit": 0, "status": True, "prediction_count": 1})
recognition = face.init_face_recognition(key)
examples, subjects = recognition.get_face_collection(), recognition.get_subjects()
plugins = {"face_plugins": "calculator,age,gender,landmarks,mask", "status": True}

told = {
    "no_subjects": subjects.list(),
    "subject": subjects.add("Joe Biden"),
    "twice": subjects.add("joe biden"),
    "example": examples.add(person, "Barack Obama", {"det_prob_threshold": 0.8}),
    "bytes": examples.add(Path(other).read_bytes(), "Joe Biden"),
    "list": examples.list(),
    "subjects": subjects.list(),
    "recognized": recognition.recognize(again),
    "plugins": recognition.recognize(Path(again).read_bytes(), plugins),
    "detected": face.init_face_detection(key).detect(again, {"limit": 1, "status": False}),
    "verified": face.init_face_verification(key).verify(person, again),
    "different": face.init_face_verification(key).verify(person, Path(other).read_bytes()),
}
example = told["example"]["image_id"]
told["verified_example"] = examples.verify(again, example, {"status": True})
told["renamed"] = subjects.update("barack obama", "Бара́к №1")
told["merged"] = subjects.update("Бара́к №1", "Joe Biden")
told["merged_list"] = examples.list()
told["deleted"] = examples.delete(example)
told["deleted_again"] = examples.delete(example)
told["deleted_all"] = examples.delete_all("JOE BIDEN")
told["third"] = subjects.add("Third")
told["deleted_subject"] = subjects.delete("third")
told["unknown_subject"] = subjects.delete("third")
told["fourth"] = subjects.add("Fourth")
told["deleted_subjects"] = subjects.delete_all()
told["wrong_key"] = face.init_face_recognition("wrong").get_subjects().list()
print(json.dumps(told))
