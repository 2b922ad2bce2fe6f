"""Turns a network, whatever it is kept in, into the files that each runtime reads.

    python convert/convert.py SOURCE OUT_FOLDER --to caffe,onnx,coreml,tflite

SOURCE is a frozen TensorFlow graph, the folder of a checkpoint or a SavedModel, a Keras file, an
ONNX file or a PyTorch file. Each result is compared with the source before it is put
in place.
`faceserver models convert` is the same command.
"""

import argparse
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from faceserver.conversion import converting
from faceserver.conversion.converting import Style
from faceserver.conversion.files import write_together
from faceserver.conversion.network import Network, read_network
from faceserver.conversion.options import (
    Pixels,
    add_check_options,
    add_source_options,
    opening_of,
    pixels_of,
    require_place,
)
from faceserver.conversion.readers.source import open_source
from faceserver.conversion.writers.caffe_files import CaffeFiles
from faceserver.errors import InvalidRequest, ModelError

if TYPE_CHECKING:
    from faceserver.conversion.checks.report import Report, Runner

TARGETS = ("caffe", "onnx", "coreml", "tflite")
CROPS = ("aligned", "square", "centred")
WEIGHTS = ("float32", "float16", "int8", "palette")

_TFLITE_LIMITS = {"float32": 1e-4, "float16": 2e-2, "int8": 1e-1}
"""How far a TFLite file's outputs may be from the source's: rounding weights costs something."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    run(parser(__doc__ or "", prog="convert", name="network").parse_args(arguments))


def run(
    options: argparse.Namespace,
    *,
    writer: str = "`faceserver models convert`",
    require: Callable[[Network], None] | None = None,
) -> None:
    """Read a source, write what is asked for, and compare it.

    Args:
        options: of :func:`parser`.
        writer: who is named in the prototxt.
        require: refuses networks before long work.

    Raises:
        ModelError: the source cannot be read or converted, or what was made differs from it.
    """
    started = time.perf_counter()
    require_place(options.out_folder, _names(options))
    opening = opening_of(options)
    _say(f"reading {options.source}")
    network = read_network(
        open_source(options.source, opening),
        opening.size,
        keep_batch_norms=options.keep_batchnorm and not {"coreml", "tflite"} & set(options.to),
    )
    if require:
        require(network)
    pixels = pixels_of(options, network)
    _say(_summary(network))
    with TemporaryDirectory() as staging, ExitStack() as stack:
        made = _Made(network, pixels, options, Path(staging), writer)
        contents = made.files()
        if "coreml" in options.to:
            made.coreml(stack)
        report = replace(made.report, seconds=round(time.perf_counter() - started, 1))
        contents["report.json"] = report.format()
        if made.described:
            contents["model.toml"] = made.described.encode()  # last: it tells that all are there
        write_together(options.out_folder, contents)
    _summarize(report, options.out_folder)


class _Made:
    """The files of one conversion, in a folder of their own until all are well."""

    report: "Report"
    described: str = ""

    def __init__(
        self,
        network: Network,
        pixels: Pixels,
        options: argparse.Namespace,
        folder: Path,
        writer: str,
    ) -> None:
        self._network, self._pixels, self._options = network, pixels, options
        self._folder, self._writer = folder, writer

    def files(self) -> dict[str, bytes]:
        """Make and compare all but CoreML's package; return them by name."""
        options, forms = self._options, {}
        caffe: CaffeFiles | None = None
        if {"caffe", "onnx"} & set(options.to):
            style = Style(options.keep_batchnorm, options.conv_bottleneck)
            caffe = converting.caffe_files(self._network, options.name, style, self._writer)
            forms = converting.write_caffe_and_onnx(
                caffe, self._folder, options.name, self._network.source.path
            )
        limits = dict.fromkeys(forms, converting.LIMIT)
        contents: dict[str, bytes] = {}
        if "tflite" in options.to:
            content, forms["TFLite"] = self._tflite()
            contents[f"{options.name}.tflite"] = content
            limits["TFLite"] = _TFLITE_LIMITS[options.weights]
        self._compare(caffe, forms, limits)
        kinds = ("prototxt", "caffemodel", "onnx") if "caffe" in options.to else ("onnx",)
        if caffe:
            paths = {kind: self._folder / f"{options.name}.{kind}" for kind in kinds}
            contents |= {path.name: path.read_bytes() for path in paths.values()}
            self._describe(paths)
        return contents

    def coreml(self, stack: ExitStack) -> None:
        """Make CoreML's package; it is put in place when the stack is left."""
        from faceserver.conversion import tf2coreml  # noqa: PLC0415
        from faceserver.conversion.coreml.about import about  # noqa: PLC0415
        from faceserver.conversion.coreml.files import staged  # noqa: PLC0415
        from faceserver.conversion.coreml.network import coreml_network  # noqa: PLC0415

        options = self._options
        compressed = options.weights if options.weights in ("int8", "palette") else ""
        form = tf2coreml.Form(half=options.weights == "float16", compressed=compressed)
        network, known = coreml_network(self._network), about(self._network, self._pixels)
        if options.licence:
            known = replace(known, licence=options.licence)
        target = options.out_folder / f"{options.name}{form.suffix}"
        made = stack.enter_context(staged(target))
        tf2coreml.write(
            made, self._network, network, known=known, form=form, class_name=options.name
        )
        if not options.no_check:
            tf2coreml.check_file(
                made, self._network, network, known=known, form=form, picture_files=options.picture
            )

    def _tflite(self) -> "tuple[bytes, Runner]":
        from faceserver.conversion.tflite.target import tflite_form  # noqa: PLC0415

        if self._options.weights == "palette":
            raise InvalidRequest("TFLite has no palettes: --weights int8")
        return tflite_form(self._network, self._pixels, self._options.weights)

    def _compare(
        self,
        caffe: CaffeFiles | None,
        forms: "Mapping[str, Runner]",
        limits: Mapping[str, float],
    ) -> None:
        options = self._options
        report = converting.compare(self._network, caffe, forms, self._pixels, options.picture)
        self.report = replace(report, limits=limits)
        if forms and not options.no_check:
            self.report.check()
        if options.expected:
            if not forms:
                raise ModelError("--expected needs one of --to caffe, onnx or tflite")
            apart = converting.whole_way(
                self._network, forms, self._pixels, options.picture, options.expected
            )
            _say(f"the whole way from picture to vector differs by {apart:.1e}")

    def _describe(self, paths: Mapping[str, Path]) -> None:
        """Write a model.toml where one can describe the network."""
        from faceserver.conversion.adopting import (  # noqa: PLC0415 - only for these forms
            Made,
            Told,
            architecture_of,
            describe,
            refuse_to_ask,
        )

        network, pixels, options = self._network, self._pixels, self._options
        _channels, rows, columns = network.input_shape
        if network.dims is None or rows != columns:
            return
        known, source = pixels.known, network.source
        told = Told(
            kind="embedder",
            architecture=architecture_of(rows, options.crop, known),
            normalization=pixels.normalization,
            crop=options.crop,
            channels=pixels.channels,
            licence=options.licence,
            threshold=options.threshold,
        )
        made = Made(source.path, source.sha256(), paths, known, size=(rows, columns))
        name = options.model or (known.name if known else options.out_folder.resolve().name)
        self.described = describe(paths["onnx"], name, told, refuse_to_ask, made)


def _names(options: argparse.Namespace) -> list[str]:
    """The files that may be written, by the names that they get."""
    kinds = {"caffe": ("prototxt", "caffemodel"), "onnx": ("onnx",), "tflite": ("tflite",)}
    suffixes = [suffix for form in options.to for suffix in kinds.get(form, ())]
    return [*(f"{options.name}.{suffix}" for suffix in suffixes), "model.toml", "report.json"]


def _summary(network: Network) -> str:
    _channels, rows, columns = network.input_shape
    made = ", ".join(f"{name} {shape}" for name, shape in network.output_shapes.items())
    made = f"{network.dims} values" if network.dims else made
    return f"{len(network.layers)} layers, {rows}x{columns} pixels to {made}"


def _summarize(report: "Report", folder: Path) -> None:
    """Say how far the results are from their source."""
    _say(f"{report.parameters:,} parameters; checked against {report.judge}")
    for title, forms in report.embedding.items():
        apart = ", ".join(f"{value:.1e} in {form}" for form, value in forms.items())
        if apart:
            _say(f"output for the {title} input differs by {apart}")
    if report.layers:
        where, largest = report.worst()
        _say(f"largest difference of {len(report.layers)} layers: {largest:.1e}, {where}")
    _say(f"wrote {folder} after {report.seconds} s")


def _say(line: str) -> None:
    print(line, flush=True)


def _targets(text: str) -> tuple[str, ...]:
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    unknown = [part for part in found if part not in TARGETS]
    if unknown or not found:
        raise argparse.ArgumentTypeError(f"{text!r}: any of {', '.join(TARGETS)}")
    return found


def parser(about: str, *, prog: str | None, name: str) -> argparse.ArgumentParser:
    """Make the command line's parser.

    Args:
        about: what the command does: a line, then how it is called, then more.
        prog: what the command is called; None takes the script's name.
        name: of the files, unless the user gives one.
    """
    summary, _, details = about.partition("\n\n")
    made = argparse.ArgumentParser(
        prog=prog,
        description=summary,
        epilog=details.partition("\n\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_source_options(made)
    add = made.add_argument
    add(
        "--to",
        type=_targets,
        default=("caffe", "onnx"),
        metavar="FORM,...",
        help=f"what is written: any of {', '.join(TARGETS)} [caffe,onnx]",
    )
    add("--name", default=name, help="the files' name without suffix [%(default)s]")
    add("--model", help="the model's name [of the published model, else of OUT_FOLDER]")
    add("--weights", choices=WEIGHTS, default="float32", help="in CoreML and TFLite [%(default)s]")
    add("--keep-batchnorm", action="store_true", help="in Caffe: norms as BatchNorm and Scale")
    add("--conv-bottleneck", action="store_true", help="in Caffe: the bottleneck as a convolution")
    add(
        "--crop",
        choices=CROPS,
        help="how faces are cut out for it [aligned for 112x112, else square]",
    )
    add("--threshold", type=float, help="squared L2 distance below which two faces are one person")
    add_check_options(made, "1e-4 (CoreML 1e-3; more where weights are rounded)")
    return made
