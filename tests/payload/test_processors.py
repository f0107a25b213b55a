"""Named onboard computers."""

from __future__ import annotations

from importlib.resources import files

import pytest
from downpass.link.errors import InputError
from downpass.payload import processors
from downpass.payload.processors import ProcessorProfile


@pytest.fixture(params=processors.names())
def profile(request: pytest.FixtureRequest) -> ProcessorProfile:
    return processors.profile(request.param)


def test_the_computers_that_fly() -> None:
    assert {"zynq-7020", "zynq-7030", "cyclone-v", "myriad-2", "jetson-tx2i"} < set(
        processors.names()
    )
    assert {"gr740", "rad750", "workstation"} < set(processors.names())


def test_figures_are_sensible_and_sourced(profile: ProcessorProfile) -> None:
    assert 1 <= profile.cores <= 64
    assert 1e8 <= profile.clock_hz <= 5e9
    assert 0 < profile.working_memory_bytes < profile.memory_bytes
    assert 0 < profile.idle_w <= profile.active_w < 100
    for figure in ("clock_hz", "memory_bytes", "working_memory_bytes", "idle_w", "active_w"):
        assert profile.sources[figure]
    for codec, rate in profile.encode_rate.items():
        assert 1e3 < rate < 1e8
        assert profile.sources[codec].startswith("derived: ")


def test_a_rate_by_hand() -> None:
    zynq = processors.profile("zynq-7020")
    # 10 Msample/s x 1667 DMIPS / 30000 DMIPS = 0.5557 Msample/s, kept to two digits.
    assert zynq.encode_rate["jpeg2000"] == 0.56e6
    # 60 Msample/s x 1667 / 30000 / 2 = 1.667 Msample/s.
    assert zynq.encode_rate["jpegxl"] == 1.7e6
    # 1335 MAC a sample at 1340 MMAC/s are 0.996 us; the coder's 67 Msample/s x 1667 / 30000
    # are 0.269 us; one over the sum is 0.7906 Msample/s.
    assert zynq.encode_rate["student"] == 0.79e6


def test_the_students_cost_is_that_of_the_networks_that_ship() -> None:
    import json
    import tomllib

    from downpass.link.student.shared_model import FOLDER

    reference = tomllib.loads((files("downpass.payload") / "processors.toml").read_text())
    on_board = json.loads((FOLDER / "card.json").read_text())["kmac_per_pixel"]["onboard"]
    assert reference["reference"]["macs_per_sample"] == pytest.approx(on_board * 1000 / 3, rel=0.01)


def test_none_is_faster_than_the_reference(profile: ProcessorProfile) -> None:
    reference = processors.profile("workstation")
    for codec, rate in profile.encode_rate.items():
        if codec != "student":
            assert rate <= reference.encode_rate[codec]


def test_unknown() -> None:
    with pytest.raises(InputError) as caught:
        processors.profile("zync-7020")
    assert str(caught.value) == (
        "processor: found 'zync-7020'; allowed: zynq-7020, zynq-7030, cyclone-v, myriad-2, "
        "jetson-tx2i, gr740, rad750, workstation; did you mean zynq-7020?"
    )
