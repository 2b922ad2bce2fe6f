"""The only place that imports ONNX Runtime, which would otherwise report its use.

Its packages for Linux send events to their maker's servers, and leave an id and a database in the
user's home, unless this variable of the environment is set before the library is loaded.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

__all__ = ["onnxruntime"]
