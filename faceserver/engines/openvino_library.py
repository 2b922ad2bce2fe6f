"""The only place that imports OpenVINO, which would otherwise report its use.

OpenVINO's package depends on ``openvino_telemetry``. Where that is installed, ``import openvino``
sends an event to an analytics service and leaves an id in the user's home, unless the user has
declined before. The lock files leave it out; a plain ``pip install faceserver`` brings it along.
So here its name is closed for good before OpenVINO is loaded: importing it fails, now and at any
later time, and OpenVINO falls back on the stand-in that it has for installations without it.
"""

import sys

sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # makes each import fail

import openvino  # noqa: E402 - not before its telemetry is shut off


def fold_constants(model: openvino.Model) -> None:
    """Compute what depends on none of a model's inputs, in place."""
    from openvino import passes  # noqa: PLC0415 - for the converters alone

    manager = passes.Manager()
    manager.register_pass(passes.ConstantFolding())
    manager.run_passes(model)


__all__ = ["fold_constants", "openvino"]
