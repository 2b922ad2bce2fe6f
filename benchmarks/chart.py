"""A bar chart as SVG, without a library."""

from collections.abc import Sequence
from html import escape

from benchmarks.report import Row

_WIDTH, _BAR, _GAP, _LEFT, _TOP = 760, 18, 6, 210, 56
_COLOURS = ("#9aa7b5", "#5b7fa6", "#1f4e79")
_FONT = "font-family='system-ui, sans-serif'"


def chart(title: str, subtitle: str, rows: Sequence[Row]) -> str:
    """Faces a second for each of those who were measured, a bar a batch size.

    Args:
        title: above the chart.
        subtitle: the machine.
        rows: milliseconds of a face; those without a value are left out.
    """
    measured = [row for row in rows if row.value]
    names = list(dict.fromkeys(row.who for row in measured))
    fastest = max(1000 / row.value for row in measured if row.value)
    scale = (_WIDTH - _LEFT - 110) / fastest
    parts, y = [], _TOP
    for name in names:
        own = [row for row in measured if row.who == name]
        middle = y + len(own) * _BAR / 2 + 5
        parts.append(_text(_LEFT - 10, middle, name, anchor="end", size=14))
        for row, colour in zip(own, _COLOURS, strict=False):
            assert row.value
            rate = 1000 / row.value
            parts.append(
                f"<rect x='{_LEFT}' y='{y}' width='{max(1, rate * scale):.1f}' "
                f"height='{_BAR - 2}' fill='{colour}'/>"
            )
            label = f"{rate:.0f} /s  ({row.what.rsplit(' ', 1)[-1]} at once)"
            parts.append(_text(_LEFT + rate * scale + 6, y + 13, label, size=11))
            y += _BAR
        y += _GAP
    head = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {y + 10}' "
        f"width='{_WIDTH}' height='{y + 10}' role='img'>"
    )
    paper = "<rect width='100%' height='100%' fill='#ffffff'/>"
    about = [_text(12, 24, title, size=17), _text(12, 43, subtitle, size=12)]
    return "\n".join([head, paper, *about, *parts, "</svg>\n"])


def _text(x: float, y: float, content: str, *, size: int, anchor: str = "start") -> str:
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' {_FONT} font-size='{size}' text-anchor='{anchor}' "
        f"fill='#222222'>{escape(content)}</text>"
    )
