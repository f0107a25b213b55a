"""With `--board PORT`, the tests here run against that board; the emulated boards' are left out.

The fixtures are those of the package's pytest plugin, `sim/board/pytest_plugin.py`.
"""

from __future__ import annotations

import pytest
from downpass.payload.board.firmware.build import PACKAGES, missing_tools


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.pluginmanager.hasplugin("downpass"):
        raise pytest.UsageError("the plugin of this package is missing: pip install -e . again")
    emulated = [item for item in items if item.path.name.startswith("test_emulated")]
    if config.getoption("--board"):
        config.hook.pytest_deselected(items=emulated)
        items[:] = [item for item in items if item not in emulated]
        return
    # If CI is set, the hook in tests/conftest.py turns these skips into failures.
    if missing := missing_tools():
        for item in emulated:
            item.add_marker(
                pytest.mark.skip(f"{', '.join(missing)} missing: apt install {PACKAGES}")
            )
