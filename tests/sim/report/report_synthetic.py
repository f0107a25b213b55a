"""Synthetic results of runs for the report's tests, made without a simulation."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from downpass.sim.report import (
    Crop,
    ReportData,
    StationSite,
    TargetSite,
    Track,
    TradeoffPoint,
)
from downpass.sim.report.data import BatteryView, BudgetRow, LinkPassView, LinkView, ModeSpan

FRAMES = pa.schema(
    [("satellite", pa.string()), ("frame", pa.int64()), ("target", pa.string()),
     ("priority", pa.int64()), ("width", pa.int64()), ("height", pa.int64()),
     ("bands", pa.int64()), ("capture_s", pa.float64()), ("raw_bytes", pa.int64()),
     ("encode_time_kind", pa.string()), ("encoded_bytes", pa.int64()), ("bpp", pa.float64()),
     ("delivered_s", pa.float64()), ("latency_s", pa.float64()), ("state", pa.string()),
     ("delivery", pa.string()), ("drop_cause", pa.string()),
     ("psnr_db", pa.float64()), ("ms_ssim", pa.float64())]
)  # fmt: skip
EVENTS = pa.schema(
    [("time_s", pa.float64()), ("satellite", pa.string()), ("event", pa.string()),
     ("frame", pa.int64()), ("bytes", pa.int64()), ("queued_bytes", pa.int64()),
     ("backlog_bytes", pa.int64()), ("delivered_bytes", pa.int64()), ("charge", pa.float64())]
)  # fmt: skip
PASSES = pa.schema(
    [("satellite", pa.string()), ("station", pa.string()), ("aos_s", pa.float64()),
     ("los_s", pa.float64()), ("max_elevation_deg", pa.float64()), ("used_s", pa.float64()),
     ("sent_bytes", pa.int64()), ("received_bytes", pa.int64()), ("lost_bytes", pa.int64()),
     ("lost_rain_bytes", pa.int64()), ("lost_cut_off_bytes", pa.int64()),
     ("cause_unused", pa.string())]
)  # fmt: skip
ACCESSES = pa.schema(
    [("satellite", pa.string()), ("target", pa.string()), ("start_s", pa.float64()),
     ("end_s", pa.float64()), ("off_nadir_deg", pa.float64()), ("sun_elevation_deg", pa.float64()),
     ("frames", pa.int64()), ("cause_skipped", pa.string())]
)  # fmt: skip

STATIONS = (
    StationSite("svalbard", 78.23, 15.39),
    StationSite("matera", 40.65, 16.70),
    StationSite("maspalomas", 27.76, -15.63),
    StationSite("fairbanks", 64.86, -147.85),
)
TARGETS = (
    TargetSite("lisbon", 38.72, -9.14, 7),
    TargetSite("nile-delta", 31.0, 31.2, 5, ((31.6, 29.9), (31.5, 32.6), (30.0, 31.2))),
    TargetSite("santa-monica", 34.02, -118.49, 5),
    TargetSite("bahamas", 24.7, -77.8, 4),
    TargetSite("sydney", -33.87, 151.21, 3),
    TargetSite("north-dakota", 47.2, -99.1, 6),
    TargetSite("ushuaia", -54.8, -68.3, 2),
)
ORBIT_S = 5_880.0


def track(duration_s: float, shift: float) -> Track:
    """Return the ground track of a circular orbit of 98° inclination over a rotating Earth."""
    time = np.arange(0, duration_s + 30, 30.0)
    angle = 2 * np.pi * time / ORBIT_S + shift
    latitude = np.degrees(np.arcsin(np.sin(np.radians(98)) * np.sin(angle)))
    node = np.degrees(np.arctan2(np.cos(np.radians(98)) * np.sin(angle), np.cos(angle)))
    return Track(time, latitude, (node - time / 86_164 * 360 + 40 * shift + 180) % 360 - 180)


def close(path: Track, latitude: float, longitude: float, within: float) -> list[tuple[int, int]]:
    """Return index ranges in which the track is within an angle of a place."""
    lat, lon = np.radians(path.latitude_deg), np.radians(path.longitude_deg)
    phi, lam = np.radians(latitude), np.radians(longitude)
    cosine = np.sin(lat) * np.sin(phi) + np.cos(lat) * np.cos(phi) * np.cos(lon - lam)
    near = np.concatenate(([False], cosine > np.cos(np.radians(within)), [False])).astype(int)
    edges = np.flatnonzero(np.diff(near))
    return list(zip(edges[::2].tolist(), (edges[1::2] - 1).tolist(), strict=True))


def texture(seed: int, side: int = 256) -> np.ndarray:
    """Return a picture with coarse and fine detail, uint8, side × side × 3."""
    random = np.random.default_rng(seed)
    field = np.zeros((side, side))
    for octave in range(1, 7):
        step = 2**octave + 1
        grid = random.normal(size=(step, step))
        at = np.linspace(0, step - 1.001, side)
        low, part = at.astype(int), at % 1
        rows = grid[low] * (1 - part)[:, None] + grid[low + 1] * part[:, None]
        field += (rows[:, low] * (1 - part) + rows[:, low + 1] * part) / 1.7**octave
    field = (field - field.min()) / np.ptp(field)
    tint = np.stack([field**1.4, field, 0.4 + 0.5 * field**0.7], axis=2)
    return np.clip(tint * 255, 0, 255).astype(np.uint8)


def crops(number: int) -> tuple[Crop, ...]:
    """Return textures, and copies in which blocks of 4 × 4 pixels are averaged."""
    found = []
    for index in range(number):
        original = texture(index)
        coarse = original.reshape(64, 4, 64, 4, 3).mean(axis=(1, 3))
        delivered = np.repeat(np.repeat(coarse, 4, 0), 4, 1).astype(np.uint8)
        found.append(Crop(index + 1, TARGETS[index % 7].name, 0.5, 34.2, original, delivered))
    return tuple(found)


def tradeoff() -> tuple[TradeoffPoint, ...]:
    """Return curves of two codecs at five rates; the first codec's second point is the run's."""
    found = []
    for codec, gain, rates in (
        ("jpeg2000", 0.0, (0.25, 0.5, 1.0, 2.0, 4.0)),
        ("jpegxl", 1.3, (0.25, 0.5, 1.0, 2.0, 4.0)),
    ):
        for bpp in rates:
            reached = 2.4e8 / (0.55 + 0.6 * bpp)
            psnr = 33.0 + gain + 6.0 * np.log2(bpp / 0.25) * 0.62
            found.append(
                TradeoffPoint(
                    codec, f"{bpp}bpp", bpp, float(psnr), 0.9 + 0.02 * bpp, reached,
                    int(reached / 262_144), 3, 1, codec == "jpeg2000" and bpp == 0.5,
                )
            )  # fmt: skip
    return tuple(found)


def block(frames: list[dict[str, Any]], peak: int, mean: int, pixels: bool) -> dict[str, Any]:
    """Return a block of summary.json that sums up frames."""
    done = [f for f in frames if f["state"] == "delivered"]
    latency = np.array([f["latency_s"] for f in done])
    dropped: dict[str, int] = {}
    for frame in frames:
        if frame["state"] == "dropped":
            dropped[frame["drop_cause"]] = dropped.get(frame["drop_cause"], 0) + 1
    sent = sum(f["encoded_bytes"] for f in done)

    def statistics(values: Any, **named: float) -> dict[str, float | None]:
        return {
            name: (float(np.percentile(values, q)) if q >= 0 else float(np.mean(values)))
            if len(values)
            else None
            for name, q in named.items()
        }

    return {
        "frames": {
            "captured": len(frames),
            "encoded": sum(f["encoded_bytes"] is not None for f in frames),
            "stored": sum(f["state"] == "stored" for f in frames),
            "delivered": len(done),
            "delivered_whole": sum(f["delivery"] == "whole" for f in done),
            "delivered_damaged": sum(f["delivery"] == "damaged" for f in done),
            "in_part": sum(f.get("delivery") == "in part" for f in frames),
            "dropped": dropped,
        },
        "bytes": {
            "captured": sum(f["raw_bytes"] for f in frames),
            "encoded": sum(f["encoded_bytes"] or 0 for f in frames),
            "stored": sum(f["encoded_bytes"] for f in frames if f["state"] == "stored"),
            "sent": int(sent * 1.09),
            "received": int(sent * 1.06),
            "delivered": sent,
            "delivered_whole": sum(f["encoded_bytes"] for f in done if f["delivery"] == "whole"),
            "delivered_damaged": sum(f["encoded_bytes"] for f in done if f["delivery"] != "whole"),
            "lost": {"rain": int(sent * 0.02), "cut off": int(sent * 0.01)} if sent else {},
            "duplicate": int(sent * 0.01),
            "dropped": {},
        },
        "backlog_bytes": {"peak": peak, "mean": mean},
        "latency_s": statistics(latency, median=50, p95=95, max=100),
        "repeated": {"frames": 0, "scenes": {}},
        "psnr_db": statistics([f["psnr_db"] for f in done] if pixels else [], pooled=-1, p5=5)
        | {"exact": 0, "left_out": 0},
        "ms_ssim": statistics([f["ms_ssim"] for f in done] if pixels else [], mean=-1, p5=5)
        | {"left_out": 0},
        "graded": {"frames": len(done) if pixels else 0, "undecodable": 0}
        | {"tiles": 4 * len(done) if pixels else 0, "lost_tiles": 0},
        "delivered_px": sum(f["width"] * f["height"] for f in done),
        "delivered_km2": sum(f["width"] * f["height"] for f in done) * 4e-4,
        "encode_energy_j": 3.4 * len(frames),
        "encode_time_kind": "modelled",
        "pass_time_used": 0.31 if done else 0.0,
    }


def battery(
    duration_s: float, eclipses: list[tuple[float, float]], capacity_j: float
) -> BatteryView:
    """Return a battery that gives 20 W in eclipse and gets 15 W, net, in sunlight."""
    bin_s = max(120.0, duration_s / 700)
    edges = np.arange(0.0, duration_s + bin_s, bin_s)
    charge = [1.0]
    for start, end in pairwise(edges.tolist()):
        dark = sum(max(0.0, min(end, b) - max(start, a)) for a, b in eclipses)
        change = 15.0 * (end - start - dark) - 20.0 * dark
        charge.append(float(np.clip(charge[-1] + change / capacity_j, 0.0, 1.0)))
    level = np.array(charge)
    lowest, highest = np.minimum(level[:-1], level[1:]), np.maximum(level[:-1], level[1:])
    return BatteryView(
        capacity_j=capacity_j, bin_s=bin_s, lowest=lowest, highest=highest,
        minimum=float(lowest.min()), minimum_s=float(edges[int(level.argmin())]),
        end=charge[-1], low_s=0.0 if lowest.min() > 0.3 else 600.0,
        min_charge=0.3, resume_charge=0.4,
    )  # fmt: skip


def table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    """Return a table of rows, which may lack columns."""
    return pa.Table.from_pylist(
        [{name: row.get(name) for name in schema.names} for row in rows], schema
    )


def results(
    satellites: tuple[str, ...] = ("sat-a",),
    days: float = 1.0,
    pixels: bool = True,
    label: str = "jpeg2000:0.5bpp",
    seed: int = 1,
    stations: tuple[StationSite, ...] = STATIONS,
    targets: tuple[TargetSite, ...] = TARGETS,
    frames_an_access: int = 26,
) -> ReportData:
    """Return a plausible run: frames of targets are stored, then sent until no bytes are left."""
    random = np.random.default_rng(seed)
    duration = days * 86_400.0
    bpp = float(label.partition(":")[2].removesuffix("bpp"))
    raw, encoded = 512 * 512 * 3 * 2, int(512 * 512 * bpp / 8)
    capacity = 520_000
    frames: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    passes: list[dict[str, Any]] = []
    accesses: list[dict[str, Any]] = []
    blocks: dict[str, Any] = {}
    tracks, eclipses = {}, {}
    peaks, means = 0, 0
    for index, name in enumerate(satellites):
        path = track(duration, 0.7 * index)
        tracks[name] = path
        eclipses[name] = [
            (start, min(start + 2_050.0, duration))
            for start in np.arange(1_800.0 + 60 * index, duration, ORBIT_S).tolist()
        ]
        mine: list[dict[str, Any]] = []
        plan: list[tuple[float, str, Any]] = []
        for target in targets:
            for low, high in close(path, target.latitude_deg, target.longitude_deg, 4.0):
                start, end = float(path.time_s[low]), float(path.time_s[high])
                sun = 45.0 - 50.0 * random.random()
                taken = frames_an_access if sun > 10 else 0
                accesses.append(
                    {"satellite": name, "target": target.name, "start_s": start, "end_s": end + 5,
                     "off_nadir_deg": 25 * random.random(), "sun_elevation_deg": sun,
                     "frames": taken, "cause_skipped": None if taken else "sun too low"}
                )  # fmt: skip
                if taken:
                    plan.append((start, "image", target))
        for station in stations:
            for low, high in close(path, station.latitude_deg, station.longitude_deg, 18.0):
                row = {"satellite": name, "station": station.name,
                       "aos_s": float(path.time_s[low]), "los_s": float(path.time_s[high]),
                       "max_elevation_deg": 5 + 80 * random.random(), "used_s": 0.0,
                       "sent_bytes": 0, "received_bytes": 0, "lost_bytes": 0, "lost_rain_bytes": 0,
                       "lost_cut_off_bytes": 0, "cause_unused": None}  # fmt: skip
                passes.append(row)
                plan.append((row["aos_s"], "pass", row))
        stored: list[dict[str, Any]] = []
        delivered = 0
        backlog = peak = 0
        levels = [0]
        for when, what, thing in sorted(plan, key=lambda item: item[0]):
            if what == "image":
                for number in range(frames_an_access):
                    # Frames differ, as real ones do.
                    amount = int(encoded * random.uniform(0.8, 1.2))
                    frame = {
                        "satellite": name, "frame": len(frames) + len(mine) + 1,
                        "target": thing.name, "priority": thing.priority, "width": 512,
                        "height": 512, "bands": 3, "capture_s": when + 1.5 * number,
                        "raw_bytes": raw, "encode_time_kind": "modelled",
                        "encoded_bytes": amount, "bpp": amount * 8 / 512**2,
                        "state": "stored", "drop_cause": None,
                        "psnr_db": 35 + 5 * bpp**0.5 + random.normal() if pixels else None,
                        "ms_ssim": 0.985 + random.normal() * 0.004 if pixels else None,
                    }  # fmt: skip
                    mine.append(frame)
                    if backlog + amount > capacity:
                        frame["state"], frame["drop_cause"] = "dropped", "recorder-full"
                        continue
                    if random.random() < 0.05:
                        frame.update(state="dropped", drop_cause="working-memory-full",
                                     encoded_bytes=None, bpp=None)  # fmt: skip
                        continue
                    backlog += amount
                    stored.append(frame)
                    events.append({"time_s": when + 2 * number + 3, "satellite": name,
                                   "event": "store", "frame": frame["frame"], "bytes": amount,
                                   "queued_bytes": 0, "backlog_bytes": backlog,
                                   "delivered_bytes": delivered, "charge": 0.9})  # fmt: skip
                    peak = max(peak, backlog)
                    levels.append(backlog)
            else:
                if not stored:
                    thing["cause_unused"] = "nothing to send"
                elif random.random() < 0.45:
                    thing["cause_unused"] = "antenna busy"
                clock = when + 5
                while stored and not thing["cause_unused"] and clock < thing["los_s"]:
                    frame = stored.pop(0)
                    clock += 42 * bpp
                    backlog -= frame["encoded_bytes"]
                    delivered += frame["encoded_bytes"]
                    frame.update(state="delivered", delivered_s=clock,
                                 delivery="damaged" if frame["frame"] % 11 == 5 else "whole",
                                 latency_s=clock - frame["capture_s"])  # fmt: skip
                    thing["used_s"] += 42 * bpp
                    thing["sent_bytes"] += frame["encoded_bytes"]
                    thing["received_bytes"] += frame["encoded_bytes"]
                    levels.append(backlog)
                    events.append({"time_s": clock, "satellite": name, "event": "deliver",
                                   "frame": frame["frame"], "bytes": frame["encoded_bytes"],
                                   "queued_bytes": 0, "backlog_bytes": backlog,
                                   "delivered_bytes": delivered, "charge": 0.9})  # fmt: skip
        frames += mine
        peaks, means = peaks + peak, means + int(np.mean(levels))
        blocks[name] = block(mine, peak, int(np.mean(levels)), pixels)
    events.sort(key=lambda row: row["time_s"])
    return ReportData(
        scenario_name="quickstart",
        description="One satellite of 10.24 km swath over seven places with real scenes, and four "
        "stations. JPEG 2000 on board at half a bit per pixel.",
        start=datetime(2024, 12, 2, tzinfo=UTC),
        duration_s=duration,
        seed=seed,
        version="0.1.0",
        command="downpass run scenarios/quickstart.yaml",
        codecs=dict.fromkeys(satellites, label),
        summary={
            "total": block(frames, peaks, means, pixels),
            "satellites": blocks,
        },
        frames=table(frames, FRAMES),
        events=table(events, EVENTS),
        passes=table(passes, PASSES),
        accesses=table(accesses, ACCESSES),
        eclipses=eclipses,
        tracks=tracks,
        targets=targets,
        stations=stations,
        tradeoff=tradeoff() if pixels else (),
        crops=crops(4) if pixels and frames else (),
        recorder_bytes=dict.fromkeys(satellites, capacity),
        batteries={
            name: battery(duration, eclipses[name], 3600.0 * (30 + 25 * index))
            for index, name in enumerate(satellites)
        },
    )


def links(stations: tuple[str, ...] = ("svalbard", "singapore", "matera")) -> list[LinkView]:
    """Return links with a budget: the second loses in a shower, the third is in another band."""
    views = []
    for number, station in enumerate(stations):
        shower = number == 1
        drawn = [] if number == 2 else [
            _link_pass(station, which, 3_000.0 * (number + 1) * place, 20.0 * place, shower)
            for place, which in enumerate(("best of 9 passes", "worst of 9 passes"), 1)
        ]  # fmt: skip
        rows = [
            BudgetRow("EIRP", 12.0, 12.0, "dBW", "given"),
            BudgetRow("free-space loss", -165.1, -177.2, "dB", "20 log(4π d f / c), d = 527.2 km"),
            BudgetRow("margin", 7.25, -3.5, "dB", "Es/N0 − required Es/N0"),
        ]
        views.append(
            LinkView(
                satellite="sat-a",
                station=station,
                passes=9,
                no_contact="band not received" if number == 2 else "",
                largest_fade_db=9.5 if shower else 0.2,
                time_s=0.0 if number == 2 else 4_200.0,
                faded_s=300.0 if shower else 0.0,
                received_bytes=0 if number == 2 else 30_000_000_000,
                lost_bytes=2_000_000_000 if shower else 0,
                best="" if number == 2 else "2 Dec 14:03:05, 77.6°, 527 km, 8PSK 3/4 is sent",
                worst="" if number == 2 else "2 Dec 19:09:40, 5.0°, 2,118 km, nothing is sent",
                budget=() if number == 2 else rows,
                drawn=drawn,
            )
        )
    return views


def _link_pass(
    station: str, which: str, aos_s: float, highest_deg: float, shower: bool
) -> LinkPassView:
    time = np.linspace(aos_s, aos_s + 500.0, 101)
    clear = 4.0 + highest_deg / 4 * np.sin(np.linspace(0.0, np.pi, 101))
    fade = 9.5 * np.exp(-(((time - aos_s - 250.0) / 60.0) ** 2)) if shower else 0.0 * time
    spans = [
        ModeSpan(aos_s, aos_s + 100.0, "", float("nan"), ""),
        ModeSpan(aos_s + 100.0, aos_s + 230.0, "QPSK 1/2", 1.0, ""),
        ModeSpan(aos_s + 230.0, aos_s + 270.0, "QPSK 1/2", 1.0, "rain" if shower else ""),
        ModeSpan(aos_s + 270.0, aos_s + 500.0, "8PSK 3/5", 5.5, ""),
    ]
    return LinkPassView(
        satellite="sat-a",
        station=station,
        which=which,
        max_elevation_deg=highest_deg,
        time_s=time,
        es_n0_db=clear - fade,
        clear_db=clear,
        spans=spans,
        received_bytes=3_000_000_000,
        lost_bytes=200_000_000 if shower else 0,
    )


def empty() -> ReportData:
    """Return a run without any target or station in view."""
    none = results(stations=(), targets=())
    return replace(none, eclipses={}, tracks={}, tradeoff=(), crops=(), batteries={})


def comparison() -> tuple[list[ReportData], list[str]]:
    """Return three choices: two rates of one codec, and another codec."""
    labels = ["jpeg2000:0.5bpp", "jpeg2000:2bpp", "jpegxl:1.5bpp"]
    return [results(label=label) for label in labels], labels
