"""What codeproject-ai-api gets, which sends no key, as JSON: its answers and errors."""

import json
import sys
from pathlib import Path

from codeprojectai import core

host, port, known, again, other, nobody = sys.argv[1:]
place = {"ip": host, "port": int(port), "timeout": 60, "min_confidence": 0.6}
face = core.CodeProjectAIFace(**place)


def data(path):
    return Path(path).read_bytes()


def error(call):
    try:
        call()
    except core.CodeProjectAIException as raised:
        return str(raised)
    return None


told = {"added": face.register("Barack", data(known))}
told["second"] = face.register("Joe", data(other))
told["listed"] = face.get_registered_faces()
told["recognised"] = core.get_recognized_faces(face.recognize(data(again)))
told["found"] = len(face.detect(data(known)))
told["nobody"] = face.recognize(data(nobody))
told["objects"] = core.get_objects(core.CodeProjectAIObject(**place).detect(data(known)))
told["no picture"] = error(lambda: face.detect(b"nothing"))
print(json.dumps(told))
