"""How the pages feel, with thousands of people: ``make bench-pages``.

Chromium opens them, Lighthouse judges them; the table goes to docs/web.md.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.contenders import ROOT
from benchmarks.pagegallery import page_gallery
from benchmarks.report import Row, machine, table
from benchmarks.served import Served

CHROMIUM = "/usr/bin/chromium"
LIGHTHOUSE = ROOT / ".cache/lighthouse/node_modules/lighthouse/cli/index.js"
SCREEN = {"width": 1350, "height": 940}
PHONE = {"width": 360, "height": 740}
PAGES = {
    "Register": "/faceRegister.html",
    "Retrieve": "/faceRetrieve.html",
    "Live": "/live",
    "Compare": "/faceCompare.html",
    "People": "/people",
    "Unnamed": "/people?view=unnamed",
    "Jobs": "/jobs",
    "Status": "/status",
    "API keys": "/status/keys",
    "Settings": "/status/settings",
    "Collections": "/collections",
}
JUDGED = ("Register", "People", "Unnamed", "Status")
VISITS = 5
TICKS = os.sysconf("SC_CLK_TCK")

WATCH = """
window.shifts = 0;
window.firstTile = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts += entry.value;
}).observe({ type: "layout-shift", buffered: true });
document.addEventListener("load", (event) => {
  if (event.target.className === "tile-picture") window.firstTile ||= performance.now();
}, true);
"""

SCROLL = """
async (seconds) => {
  const grid = document.getElementById("grid");
  const frames = [], shares = [];
  let before = await new Promise(requestAnimationFrame);
  const end = before + 1000 * seconds;
  while (before < end) {
    scrollBy({ top: 45, behavior: "instant" });
    const now = await new Promise(requestAnimationFrame);
    frames.push(now - before);
    before = now;
    if (frames.length % 10) continue;
    const seen = [...grid.querySelectorAll(".tile-picture")].filter((tile) => {
      const { top, bottom } = tile.getBoundingClientRect();
      return bottom > 60 && top < innerHeight;
    });
    const box = grid.getBoundingClientRect();
    const missing = Math.max(0, innerHeight - 200 - box.bottom) / innerHeight;
    const blank = seen.filter(({ tagName, complete, naturalWidth }) =>
      tagName !== "IMG" || !complete || !naturalWidth);
    shares.push(seen.length ? Math.min(1, blank.length / seen.length + missing) : 1);
  }
  return { frames, shares, scrolled: scrollY };
}
"""

SEEN = """() => new Promise((resolve) => {
  const look = () => (window.firstTile > 0 ? resolve() : setTimeout(look, 5));
  look();
})"""
"""What the page's policy allows, other than a wait for an expression."""

WIRE = """() => performance.getEntriesByType("resource")
  .filter(({ name }) => /[.](js|css)$/.test(new URL(name).pathname))
  .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=10, help="of scrolling")
    options = parser.parse_args()
    folder = page_gallery(options.people)
    settings = {"FACESERVER_REQUESTS_PER_MINUTE": "0"}
    with Served(folder, settings) as served, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu"],
            ignore_default_args=["--disable-back-forward-cache"],
        )
        rows = []
        for row in measured(browser, served, options.seconds):
            print(f"{row.what}, {row.who}: {row.value}", file=sys.stderr, flush=True)
            rows.append(row)
        browser.close()
    print(", ".join(f"{name}: {value}" for name, value in machine().items()))
    print(table(rows))


def measured(browser: Browser, served: Served, seconds: float) -> Iterator[Row]:
    yield thumbnail(served)
    yield from people(browser, served.url, seconds)
    yield back(browser, served.url)
    yield wire(browser, served.url)
    yield from shifts(browser, served.url)
    for name in JUDGED:
        yield judged(served.url, name)


@contextmanager
def opened(browser: Browser, url: str, size: dict[str, int]) -> Iterator[Page]:
    context = browser.new_context(base_url=url, viewport=size, locale="en-GB")  # type: ignore[arg-type]
    page = context.new_page()
    page.add_init_script(WATCH)
    yield page
    context.close()


def thumbnail(served: Served) -> Row:
    """Processor time of the server, of all its threads, over many requests."""
    base = f"{served.url}/v1/collections/default/faces"
    faces = [it["id"] for it in requests.get(f"{base}?limit=500", timeout=60).json()["items"]]
    with requests.Session() as session:
        for face in faces[:50]:
            session.get(f"{base}/{face}/thumbnail", timeout=60).raise_for_status()
        before = _processor_seconds(served.process.pid)
        for face in faces:
            session.get(f"{base}/{face}/thumbnail", timeout=60).raise_for_status()
        spent = _processor_seconds(served.process.pid) - before
    return Row("processor time of a thumbnail", "server", 1000 * spent / len(faces), "ms", "< 2")


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def shifts(browser: Browser, url: str) -> Iterator[Row]:
    """The worst page, on a large screen and on a phone."""
    for name, size in (("1350 pixels", SCREEN), ("360 pixels", PHONE)):
        found = {}
        for title, address in PAGES.items():
            with opened(browser, url, size) as page:
                page.goto(address)
                page.wait_for_load_state("networkidle")
                found[title] = page.evaluate("window.shifts")
        worst = max(found, key=lambda title: found[title])
        yield Row("cumulative layout shift", name, found[worst], "", f"{worst}; < 0.02")


def wire(browser: Browser, url: str) -> Row:
    """The page that takes most."""
    found = {}
    for title, address in PAGES.items():
        with opened(browser, url, SCREEN) as page:
            page.goto(address)
            page.wait_for_load_state("networkidle")
            found[title] = page.evaluate(WIRE)
    worst = max(found, key=lambda title: found[title])
    return Row("stylesheets and scripts", "wire", found[worst] / 1000, "kB", f"{worst}; < 60")


def people(browser: Browser, url: str, seconds: float) -> Iterator[Row]:
    """People: until the first tile is there, and while one scrolls."""
    first = []
    for _ in range(VISITS):
        with opened(browser, url, SCREEN) as page:
            page.goto("/people")
            page.evaluate(SEEN)
            first.append(page.evaluate("window.firstTile"))
    yield Row("first tile of People", "browser", statistics.median(first), "ms", "< 300")
    with opened(browser, url, SCREEN) as page:
        page.goto("/people")
        page.evaluate(SEEN)
        found = page.evaluate(SCROLL, seconds)
    frames = sorted(found["frames"])
    note = f"{found['scrolled']:,.0f} pixels in {seconds:g} s; < 50"
    yield Row("99th percentile of frames", "browser", frames[int(0.99 * len(frames))], "ms", note)
    yield Row("blank tiles", "browser", 100 * statistics.mean(found["shares"]), "%", "< 5")


def back(browser: Browser, url: str) -> Row:
    """Whether Back finds the page where it was left."""
    with opened(browser, url, SCREEN) as page:
        page.goto("/people")
        page.evaluate(SEEN)
        page.evaluate("scrollTo(0, 500); window.wasHere = true")
        page.goto("/jobs")
        page.evaluate("history.back()")
        page.wait_for_url("**/people", wait_until="commit")
        page.wait_for_selector("#grid")
        kept = page.evaluate("window.wasHere === true && scrollY === 500")
    return Row("Back as it was left", "browser", float(kept), "", "1: yes")


def judged(url: str, name: str) -> Row:
    """Lighthouse's verdict, the median of three."""
    scores = [_score(f"{url}{PAGES[name]}") for _ in range(3)]
    return Row(f"Lighthouse: {name}", "desktop", statistics.median(scores), "", ">= 98")


def _score(address: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [
            "node",
            str(LIGHTHOUSE),
            address,
            "--quiet",
            "--preset=desktop",
            "--only-categories=performance",
            "--output=json",
            f"--output-path={report}",
            "--chrome-flags=--headless=new --no-sandbox --disable-gpu",
        ]
        environment = {**os.environ, "CHROME_PATH": CHROMIUM, "TMPDIR": folder}
        subprocess.run(command, check=True, env=environment, timeout=300)
        told = json.loads(report.read_text(encoding="utf-8"))
    return 100 * float(told["categories"]["performance"]["score"])


if __name__ == "__main__":
    main()
