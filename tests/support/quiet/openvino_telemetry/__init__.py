"""Stands in for the package that a plain ``pip install`` brings along: loading it is recorded."""

import os
from typing import Any

with open(os.environ["QUIET_RECORD"], "a", encoding="utf-8") as record:  # noqa: PTH123
    record.write("import openvino_telemetry\n")


class Telemetry:
    """Takes every call that OpenVINO makes."""

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def send_event(self, *_: Any, **__: Any) -> None: ...

    def start_session(self, *_: Any, **__: Any) -> None: ...

    def end_session(self, *_: Any, **__: Any) -> None: ...
