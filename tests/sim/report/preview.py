"""Writes the pages, from made-up results, with screenshots: python preview.py FOLDER.

For whoever changes how the report looks. Chromium is needed for the screenshots alone.
"""

import sys
from itertools import product
from pathlib import Path

from downpass.sim.report import render, render_comparison, write_report
from report_browser import executable, launched
from report_synthetic import comparison, results


def main(folder: Path) -> None:
    """Write the pages and photograph each on a phone and at a desk, light and dark."""
    folder.mkdir(parents=True, exist_ok=True)
    write_report(folder / "report.html", render(results()))
    write_report(folder / "comparison.html", render_comparison(*comparison()))
    found = executable()
    if found is None:
        return
    with launched(found) as browser:
        page = browser.page()
        for name, width, scheme in product(
            ("report", "comparison"), (390, 1440), ("light", "dark")
        ):
            page.show(folder / f"{name}.html", width, 900, scheme)
            page.photograph(folder / f"{name}-{width}-{scheme}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
