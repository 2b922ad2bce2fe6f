"""What schemathesis sends where a schema says ``byte``, ``binary`` or ``uri``."""

import base64
import os
from pathlib import Path

import schemathesis
from hypothesis import strategies as st

PICTURES = [
    path.read_bytes() for path in sorted(Path(os.environ["FACESERVER_TEST_PICTURES"]).iterdir())
]
SITE = os.environ["FACESERVER_TEST_SITE"]

pictures = st.sampled_from(PICTURES) | st.binary(min_size=1, max_size=64)

schemathesis.openapi.format("byte", pictures.map(lambda data: base64.b64encode(data).decode()))
schemathesis.openapi.format("binary", pictures)
schemathesis.openapi.format(
    "uri", st.sampled_from([f"{SITE}/face.jpg", f"{SITE}/nothing", "http://127.0.0.1:9/closed"])
)
