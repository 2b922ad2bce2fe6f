"""What was measured, as JSON for programs and as one page of HTML for people.

The page holds the pictures of the worst pairs, and so people's faces: it is a file for its owner
alone, and asks no other server for anything.
"""

import base64
import html
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from faceserver.evaluation import photographs
from faceserver.evaluation.histograms import WorstPair
from faceserver.evaluation.judge import Judgement
from faceserver.evaluation.verification import (
    Operating,
    false_match_at,
    false_match_rates,
    false_non_match_at,
    false_non_match_rates,
)
from faceserver.pictures import codec
from faceserver.vision.geometry import resize

_COLOURS = ("#1f6feb", "#d1495b", "#2a9d58", "#b8860b", "#7b4fb3", "#00798c", "#8a5a44", "#555")
_SIZE = 420
_DECADES = 5
_POINTS = 400
_SHOWN = 6
_THUMBNAIL = 160


def as_json(judgements: Sequence[Judgement]) -> list[dict[str, Any]]:
    """The figures of each candidate on each set."""
    return [
        {
            "model": each.candidate,
            "set": each.labelled.name,
            "photographs": len(each.labelled.photographs),
            "failure_to_detect": round(each.failure_to_detect, 6),
            "at_threshold": {
                "threshold": each.threshold,
                "false_match_rate": false_match_at(each.counts, each.threshold),
                "false_non_match_rate": false_non_match_at(each.counts, each.threshold),
            },
            "verification": asdict(each.verification),
            "identification": asdict(each.identification) if each.identification else None,
            "folds": asdict(each.folds) if each.folds else None,
            "failures": [
                {"photograph": str(path), "reason": reason} for path, reason in each.failures
            ],
            "worst": {
                "false_non_matches": _pairs(each, each.counts.false_non_matches),
                "false_matches": _pairs(each, each.counts.false_matches),
            },
        }
        for each in judgements
    ]


def _pairs(judgement: Judgement, pairs: Sequence[WorstPair]) -> list[dict[str, object]]:
    found = judgement.found
    return [
        {
            "a": str(found[pair.a]),
            "b": str(found[pair.b]),
            "distance": round(pair.distance, 4),
        }
        for pair in pairs
    ]


def as_html(judgements: Sequence[Judgement]) -> str:
    """One page: a table, the curves of each set, and the worst pairs as pictures."""
    sets = list(dict.fromkeys(each.labelled.name for each in judgements))
    parts = [_table(judgements)]
    for name in sets:
        of_set = [each for each in judgements if each.labelled.name == name]
        parts.append(f"<h2>{html.escape(name)}</h2>{_curves(of_set)}")
        parts += [_worst(each) for each in of_set]
    return _PAGE.format(body="\n".join(parts))


def _table(judgements: Sequence[Judgement]) -> str:
    rows = "".join(
        "<tr>"
        + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells(each, intervals=True))
        + "</tr>"
        for each in judgements
    )
    heads = "".join(f"<th>{head}</th>" for head in HEADS)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


_TARGETS = (1e-2, 1e-3, 1e-4)

HEADS = (
    "set",
    "model",
    "pairs: same, different",
    "not detected",
    "FMR, FNMR at the threshold",
    "EER",
    *(f"TAR at FMR 1e-{places}" for places in (2, 3, 4)),
    "threshold at 1e-3",
    "rank-1",
    "accuracy by folds",
)


def cells(judgement: Judgement, *, intervals: bool = False) -> tuple[str, ...]:
    """A line of the table, as texts, with or without the intervals of the true accept rates."""
    figures, threshold = judgement.verification, judgement.threshold
    wrong = false_match_at(judgement.counts, threshold)
    missed = false_non_match_at(judgement.counts, threshold)
    at = {point.false_match_rate: point for point in figures.operating}
    found, by_folds = judgement.identification, judgement.folds
    return (
        judgement.labelled.name,
        judgement.candidate,
        f"{figures.same_pairs:,}, {figures.different_pairs:,}",
        f"{judgement.failure_to_detect:.2%}",
        f"{wrong:.2%}, {missed:.1%} at {threshold:.2f}",
        f"{figures.equal_error_rate:.2%}",
        *(_accepted(at.get(target), intervals=intervals) for target in _TARGETS),
        f"{at[1e-3].threshold:.2f}" if 1e-3 in at else "-",
        f"{found.rank_1:.3f}" if found else "-",
        f"{by_folds.accuracy:.4f} ± {by_folds.standard_error:.4f}" if by_folds else "-",
    )


def _accepted(point: Operating | None, *, intervals: bool) -> str:
    if point is None:
        return "-"
    low, high = point.interval
    return f"{point.true_accept_rate:.3f}" + (f" ({low:.3f}-{high:.3f})" if intervals else "")


def _curves(judgements: Sequence[Judgement]) -> str:
    """True accept rate over false match rate, the latter in decades."""
    lines = []
    for number, each in enumerate(judgements):
        matches = false_match_rates(each.counts.different)
        accepted = 1 - false_non_match_rates(each.counts.same)
        rates = np.logspace(-_DECADES, 0, _POINTS)
        places = np.searchsorted(matches, rates, side="right") - 1
        shares = np.where(places >= 0, accepted[np.maximum(places, 0)], 0.0)
        points = " ".join(
            f"{(np.log10(rate) + _DECADES) / _DECADES * _SIZE:.1f},{(1 - share) * _SIZE:.1f}"
            for rate, share in zip(rates, shares, strict=True)
        )
        colour = _COLOURS[number % len(_COLOURS)]
        lines.append(f'<polyline points="{points}" stroke="{colour}"/>')
        lines.append(
            f'<text x="8" y="{18 * (number + 1)}" fill="{colour}">'
            f"{html.escape(each.candidate)}</text>"
        )
    grid = "".join(
        f'<line x1="{x}" y1="0" x2="{x}" y2="{_SIZE}"/>'
        f'<text x="{x}" y="{_SIZE + 16}">1e-{_DECADES - step}</text>'
        for step in range(_DECADES + 1)
        for x in [step * _SIZE // _DECADES]
    ) + "".join(
        f'<line x1="0" y1="{y}" x2="{_SIZE}" y2="{y}"/><text x="-30" y="{y}">{share:.1f}</text>'
        for share in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
        for y in [round((1 - share) * _SIZE)]
    )
    return (
        f'<figure><svg viewBox="-40 -10 {_SIZE + 80} {_SIZE + 40}" role="img" '
        'aria-label="True accept rate over false match rate">'
        f'<g class="grid">{grid}</g>{"".join(lines)}</svg>'
        "<figcaption>True accept rate over false match rate</figcaption></figure>"
    )


def _worst(judgement: Judgement) -> str:
    kinds = (
        ("The same person, farthest apart", judgement.counts.false_non_matches),
        ("Different people, nearest", judgement.counts.false_matches),
    )
    parts = [f"<h3>{html.escape(judgement.candidate)}</h3>"]
    for title, pairs in kinds:
        shown = "".join(_pair(judgement, pair) for pair in pairs[:_SHOWN])
        parts.append(f'<h4>{title}</h4><div class="pairs">{shown}</div>')
    return "".join(parts)


def _pair(judgement: Judgement, pair: WorstPair) -> str:
    found = judgement.found
    pictures = "".join(
        f'<img alt="{html.escape(_told(path))}" title="{html.escape(_told(path))}" '
        f'src="data:image/jpeg;base64,{base64.b64encode(_thumbnail(path)).decode()}">'
        for path in (found[pair.a], found[pair.b])
    )
    return f"<figure>{pictures}<figcaption>{pair.distance:.2f}</figcaption></figure>"


def _thumbnail(path: Path) -> bytes:
    """A small JPEG of a photograph that was decoded before."""
    image = photographs.read(path)
    scale = min(1.0, _THUMBNAIL / max(image.shape[:2]))
    height, width = (max(round(side * scale), 1) for side in image.shape[:2])
    return codec.encode_jpeg(resize(image, width, height), quality=80)


def _told(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Evaluation of face recognition</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto;
  max-width: 70rem; padding: 0 1rem; }}
table {{ border-collapse: collapse; display: block; overflow-x: auto; }}
th, td {{ border-bottom: 1px solid #ccc; padding: .3rem .6rem; text-align: left; }}
svg {{ max-width: 34rem; width: 100%; font-size: 12px; }}
polyline {{ fill: none; stroke-width: 2; }}
.grid line {{ stroke: #ddd; }}
.pairs {{ display: flex; flex-wrap: wrap; gap: 1rem; }}
figure {{ margin: 0; }}
img {{ height: 6rem; margin-right: .2rem; }}
</style>
<h1>Evaluation of face recognition</h1>
<p>FMR: false match rate. FNMR: false non-match rate. EER: equal error rate. TAR: true accept rate,
1 - FNMR, with its 95 % interval by resampling people.
Distances are squared L2 distances of unit vectors.</p>
{body}
</html>
"""
