"""What deepstack-python gets, as JSON: its answers, and the errors that it raises."""

import json
import sys
from pathlib import Path

from deepstack import core

host, port, known, again, other, nobody, key = sys.argv[1:]
place = {"ip": host, "port": int(port), "api_key": key, "timeout": 60, "min_confidence": 0.6}
face = core.DeepstackFace(**place)


def data(path):
    return Path(path).read_bytes()


def error(call):
    try:
        call()
    except core.DeepstackException as raised:
        return str(raised)
    return None


told = {"added": face.register("Barack", data(known))}
told["updated"] = face.register("Barack", data(known))
told["second"] = face.register("Joe", data(other))
told["listed"] = face.get_registered_faces()
told["recognised"] = core.get_recognized_faces(face.recognize(data(again)))
told["found"] = len(face.detect(data(known)))
told["nobody"] = face.recognize(data(nobody))
told["objects"] = core.get_objects(core.DeepstackObject(**place).detect(data(known)))
told["no picture"] = error(lambda: face.detect(b"nothing"))
told["no face"] = error(lambda: face.register("Nobody", data(nobody)))
wrong = core.DeepstackFace(**{**place, "api_key": "wrong"})
told["wrong key"] = error(lambda: wrong.detect(data(known)))
print(json.dumps(told))
