"""Measure acknowledged file transfer: its cost beyond the losses, and the speed of its simulation.

    python benchmarks/transfer.py            # 10,000 files over 200 passes
    python benchmarks/transfer.py --files 1000 --passes 20

A satellite sends 10,000 files of 2 MB over 200 passes of eight minutes at 20 Mbit/s, and one
packet of a hundred is lost, each alone. The uplink has 4 kbit/s and a delay of 0.3 s, and loses one
PDU of a hundred, too. Files are captured evenly over the time, so the backlog is that of about one
pass. Every file is accounted for: delivered whole, or on board, or not yet captured.

Overhead beyond the losses is what was sent, without the packets that were lost, against the file
data that reached the ground: headers, directives, and packets that arrived twice. What a transfer
without any overhead has to send for the same losses is the file data by 1 / (1 - loss).

Times are processor times of one core.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

from downpass.link.channel.downlink import Downlink, RateSegment
from downpass.payload.recorder import DownlinkOrder, DropRule
from downpass.sim.model.events import NoEvents
from downpass.sim.model.ledger import Book
from downpass.sim.model.records import FrameState
from downpass.sim.model.setup import (
    Arbitration,
    Capture,
    Contact,
    Encoded,
    EncodeOrder,
    MissionSetup,
    SatelliteSetup,
    Situation,
    StationSetup,
    TransferSetup,
)
from downpass.sim.model.simulation import Outcome, simulate

S = 1_000_000
PERIOD_S, PASS_S = 5700, 480
RATE, LOSS, FILE, PACKET = 20_000_000, 0.01, 2_000_000, 1024


@dataclass
class Files:
    """Encodes each frame to a file of one size, at once."""

    time_kind: str = "modelled"

    def encode(self, capture: Capture, situation: Situation) -> Encoded:  # noqa: ARG002
        """Return the size of a file."""
        return Encoded(FILE, 0)


def mission(files: int, passes: int, transfer: TransferSetup | None) -> MissionSetup:
    """Return a mission of one satellite, whose frames come evenly over all passes but the last."""
    step = (passes - 1) * PERIOD_S * S // files
    captures = tuple(
        Capture(number, number * step, number * step, number, 0, 5, 1000, 1000, 1000, 1)
        for number in range(files)
    )
    satellite = SatelliteSetup(
        name="satellite",
        captures=captures,
        working_memory=10**9,
        encode_order=EncodeOrder.FIFO,
        recorder_capacity=10**12,
        downlink_order=DownlinkOrder.FIFO,
        drop_rule=DropRule.OLDEST,
        packet=PACKET,
        acknowledge_ticks=S // 2,
        encoding_milliwatts=0,
        transfer=transfer,
    )
    contacts = tuple(
        Contact(0, 0, Downlink([RateSegment(begin, begin + PASS_S * S, RATE, LOSS)]), number)
        for number in range(passes)
        for begin in [(number * PERIOD_S + 600) * S]
    )
    return MissionSetup(
        duration=passes * PERIOD_S * S,
        seed=1,
        satellites=(satellite,),
        stations=(StationSetup("station", 1),),
        contacts=contacts,
        arbitration=Arbitration.FIRST_COME,
        targets=("target",),
    )


def report(name: str, outcome: Outcome, seconds: float) -> None:
    """Print what became of the files, and what the transfer cost."""
    (satellite,) = outcome.satellites
    ledger, frames = satellite.ledger, satellite.frames.values()
    delivered = [record for record in frames if record.state is FrameState.DELIVERED]
    whole = sum(record.received_bytes == record.encoded_bytes for record in delivered)
    on_board = sum(record.state is FrameState.STORED for record in frames)
    sent, new = ledger.came_in(Book.AIR), ledger.holds(Book.AIR, "new")
    lost, again = (
        sum(ledger.by_cause(Book.AIR, "lost").values()),
        ledger.holds(Book.AIR, "duplicate"),
    )
    overhead = ledger.holds(Book.AIR, "overhead")
    assert sent == new + lost + again + overhead
    print(
        f"{name}\n"
        f"  files: {whole} whole, {len(delivered) - whole} damaged, {on_board} on board, "
        f"{len(outcome.setup.satellites[0].captures) - len(delivered) - on_board} other\n"
        f"  sent {sent / 1e9:.3f} GB: {new / 1e9:.3f} GB new, {lost / 1e9:.3f} GB lost, "
        f"{overhead / 1e6:.1f} MB of headers and directives, {again / 1e6:.2f} MB twice\n"
        f"  overhead beyond the losses: {100 * ((sent - lost) / new - 1):.2f} %; "
        f"all that was sent: {sent / new:.4f} x the file data\n"
        f"  uplink: {ledger.came_in(Book.UPLINK) / 1e6:.3f} MB\n"
        f"  {seconds:.2f} s, {outcome.setup.duration / S / seconds:,.0f} x real time"
    )


def main() -> None:
    """Run the mission with each transfer and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--passes", type=int, default=200)
    given = parser.parse_args()
    print(
        f"{given.files} files of {FILE / 1e6:g} MB over {given.passes} passes of {PASS_S} s at "
        f"{RATE / 1e6:g} Mbit/s; {100 * LOSS:g} % of the packets of {PACKET} B are lost"
    )
    acknowledged = {"acknowledged": True, "uplink_delay": 300_000, "uplink_loss": 0.01}
    for name, transfer in (
        ("resumable", None),
        ("unacknowledged", TransferSetup(acknowledged=False)),
        ("acknowledged, deferred NAK", TransferSetup(**acknowledged)),
        ("acknowledged, immediate NAK", TransferSetup(**acknowledged, immediate_nak=True)),
    ):
        setup = mission(given.files, given.passes, transfer)
        begun = time.process_time()
        outcome = simulate(setup, [Files()], sink=NoEvents())
        report(name, outcome, time.process_time() - begun)


if __name__ == "__main__":
    main()
