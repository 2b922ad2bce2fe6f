"""What deepstack-sdk gets, as JSON: its own classes' answers, and the errors that it raises."""

import contextlib
import io
import json
import sys

from deepstack_sdk import Detection, Face, ServerConfig

url, known, again, other, nobody, key = sys.argv[1:]
config = ServerConfig(url, api_key=key)
face = Face(config)
told = {"registered": face.registerFace(images=[known, again], userid="Barack")}
told["replaced"] = face.registerFace(images=[known], userid="Barack")
told["second"] = face.registerFace(images=[other], userid="Joe")
told["listed"] = list(face.listFaces())
with contextlib.redirect_stdout(io.StringIO()):  # the library prints the whole answer
    found = [(item.userid, item.confidence) for item in face.recognizeFace(again)]
told["recognised"] = found
told["boxes"] = [
    (item.x_min, item.y_min, item.x_max, item.y_max) for item in face.detectFace(known)
]
told["nobody"] = len(face.detectFace(nobody))
told["deleted"] = face.deleteFace("Joe")
told["left"] = list(face.listFaces())
told["objects"] = [item.label for item in Detection(config).detectObject(known)]


def error(call):
    try:
        call()
    except Exception as raised:  # noqa: BLE001 - it raises nothing else
        return str(raised)
    return None


told["no picture"] = error(lambda: face.detectFace(b"nothing"))
told["no face"] = error(lambda: face.registerFace(images=[nobody], userid="Nobody"))
told["wrong key"] = error(lambda: Face(ServerConfig(url, api_key="wrong")).listFaces())
print(json.dumps(told))
