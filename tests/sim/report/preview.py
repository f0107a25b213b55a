"""Write report pages from synthetic results, with screenshots: python preview.py FOLDER.

This is for changes of the report's appearance. Only the screenshots need Chromium.
"""

import sys
from itertools import product
from pathlib import Path

from downpass.sim.report import render, render_comparison, write_report
from report_browser import executable, launched
from report_synthetic import comparison, results


def main(folder: Path) -> None:
    """Write the pages and take screenshots at phone and desktop sizes, light and dark."""
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
