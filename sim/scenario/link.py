"""The link of a scenario: the satellite's carrier and modes, the station's receiver and climate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Discriminator, Field, StringConstraints, Tag

from ...link.channel.modulation import CCSDS_131, DVB_S2, Mode, ModeSet
from .base import Clashes, Model, one_of
from .plain_numbers import Number
from .refusal import shown
from .units import (
    Bytes,
    Decibels,
    DecibelsIsotropic,
    DecibelsPerKelvin,
    DecibelWatts,
    Degrees,
    Hertz,
    Kelvins,
    Metres,
    Seconds,
    SymbolsPerSecond,
    Watts,
)

ModeSetName = Literal["dvb-s2", "ccsds-131"]

MODE_SETS: Final[Mapping[str, ModeSet]] = {"dvb-s2": DVB_S2, "ccsds-131": CCSDS_131}
"""The sets of modes that a scenario may name."""

BandName = Literal["VHF", "UHF", "L", "S", "C", "X", "Ku", "K", "Ka", "V"]

BANDS: Final[Mapping[str, tuple[float, float]]] = {
    "VHF": (30e6, 300e6),
    "UHF": (300e6, 1e9),
    "L": (1e9, 2e9),
    "S": (2e9, 4e9),
    "C": (4e9, 8e9),
    "X": (7e9, 12e9),
    "Ku": (12e9, 18e9),
    "K": (18e9, 27e9),
    "Ka": (25.5e9, 40e9),
    "V": (40e9, 75e9),
}
"""Lowest and highest frequency of each band in hertz.

Those of IEEE Std 521, widened where operators draw the border elsewhere: X begins at 7 GHz, and
Earth observation's 25.5 to 27 GHz is called Ka.
"""

MOST_MODES: Final = 200

_Loss = Annotated[float, Decibels(least="0 dB", most="60 dB")]
_ModeName = Annotated[
    str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ./_+-]{0,39}$")
]


class ModeSpec(Model):
    """A mode of your own: a modulation with a code."""

    name: _ModeName = Field(description="Name, unique in the list.", examples=["8PSK 3/4"])
    bits_per_symbol: Annotated[float, Number(0, 20, above=0)] = Field(
        description=(
            "Information bits of a channel symbol over one coded frame, with the frame's header "
            "or synchronisation marker."
        ),
        examples=[2.228],
    )
    required_es_n0: Annotated[float, Decibels(least="-30 dB", most="60 dB")] = Field(
        description="Es/N0 from which an ideal demodulator receives the mode.",
        examples=["7.91 dB"],
    )

    @property
    def mode(self) -> Mode:
        """The mode, as the link takes it."""
        return Mode(self.name, self.bits_per_symbol, self.required_es_n0)


def _form_of_modes(value: object) -> str:
    return "set" if isinstance(value, str) else "list"


_Modes = Annotated[
    Annotated[ModeSetName, Tag("set")]
    | Annotated[tuple[ModeSpec, ...], Field(min_length=1, max_length=MOST_MODES), Tag("list")],
    Discriminator(_form_of_modes),
]


class LinkSpec(Model):
    """A downlink that is computed from what a datasheet says."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": ["eirp"]}, {"required": ["power", "antenna_gain"]}],
            "if": {"properties": {"coding": {"const": "ccm"}}},
            "then": {"required": ["mode"]},
        }
    )

    frequency: Annotated[float, Hertz(least="100 MHz", most="55 GHz")] = Field(
        description="Carrier frequency.", examples=["8.2 GHz"]
    )
    eirp: Annotated[float, DecibelWatts(least="-60 dBW", most="90 dBW")] | None = Field(
        default=None,
        description=(
            "Equivalent isotropically radiated power towards the station. Instead of it, `power`, "
            "`antenna_gain` and `line_loss` may be given."
        ),
        examples=["12 dBW"],
    )
    power: Annotated[float, Watts(least="1 mW", most="10 kW")] | None = Field(
        default=None, description="Power of the amplifier.", examples=["2 W"]
    )
    antenna_gain: Annotated[float, DecibelsIsotropic(least="-30 dBi", most="80 dBi")] | None = (
        Field(
            default=None,
            description="Gain of the satellite's antenna towards the station.",
            examples=["12 dBi"],
        )
    )
    line_loss: _Loss | None = Field(
        default=None,
        description="Loss between amplifier and antenna. Default: 0 dB.",
        examples=["0.5 dB"],
    )
    polarization: Literal["circular", "horizontal", "vertical"] = Field(
        default="circular",
        description="Polarization of the carrier; rain attenuates horizontal ones most.",
    )
    symbol_rate: Annotated[float, SymbolsPerSecond(least="1 symbol/s", most="10 Gsymbol/s")] = (
        Field(description="Channel symbols per second.", examples=["50 Msymbol/s"])
    )
    roll_off: Annotated[float, Number(0, 1)] = Field(
        default=0.2,
        description="Roll-off of the pulse shape; it sets the occupied bandwidth only.",
        examples=[0.2],
    )
    modes: _Modes = Field(
        description=(
            "The modes that the satellite can send: those of DVB-S2 with normal frames (ETSI EN "
            "302 307-1, table 13), those of CCSDS 131.0-B, or a list of your own. A mode that "
            "needs more Es/N0 than another and carries no more is only used if it is named."
        ),
        examples=["dvb-s2"],
    )
    coding: Literal["ccm", "vcm", "acm"] = Field(
        description=(
            "How the mode is chosen. `ccm` sends one mode from AOS to LOS. `vcm` follows a "
            "prediction of the pass. `acm` follows what the station measured a `reaction_time` "
            "ago. A frame whose mode needs more Es/N0 than there is is lost."
        ),
        examples=["acm"],
    )
    mode: _ModeName | None = Field(
        default=None, description="With `ccm`: the mode that is sent.", examples=["QPSK 3/4"]
    )
    fallback: tuple[_ModeName, ...] | None = Field(
        default=None,
        description=(
            "With `vcm` and `acm`: the modes that are used, from the fastest to the most robust. "
            "Default: all that are worth using."
        ),
        examples=[["8PSK 3/4", "QPSK 3/4", "QPSK 1/4"]],
    )
    margin: Annotated[float, Decibels(least="0 dB", most="30 dB")] = Field(
        default=1.0,
        description=(
            "With `vcm` and `acm`: by how much the predicted or measured Es/N0 must exceed what a "
            "mode needs."
        ),
        examples=["1 dB"],
    )
    availability: Annotated[float, Number(0.5, 0.99999)] | None = Field(
        default=None,
        description=(
            "With `vcm`: the share of an average year for which the prediction holds; it adds the "
            "attenuation of rain, clouds and scintillation that is exceeded for the rest (ITU-R "
            "P.618). `null` predicts a clear sky."
        ),
        examples=[0.995],
    )
    hysteresis: Annotated[float, Decibels(least="0 dB", most="10 dB")] = Field(
        default=0.3,
        description="With `acm`: what Es/N0 must exceed beyond the margin to go up a mode.",
        examples=["0.3 dB"],
    )
    reaction_time: Annotated[float, Seconds(least="0 s", most="10 min", usual="500 ms")] = Field(
        default=0.5,
        description=(
            "With `acm`: time from a measurement at the station to the mode that follows from it. "
            "Data is first sent when the first report has arrived."
        ),
        examples=["500 ms"],
    )
    pointing_loss: _Loss = Field(
        default=0.0,
        description="Loss by the satellite's pointing, and by the edge of its antenna's beam.",
        examples=["0.5 dB"],
    )
    implementation_loss: _Loss = Field(
        default=1.0,
        description=(
            "Loss of modulator and demodulator against the ideal ones of the modes' thresholds."
        ),
        examples=["1 dB"],
    )
    pilots: bool = Field(
        default=True, strict=True, description="Whether DVB-S2's pilot symbols are sent."
    )
    transfer_frame: Annotated[int, Bytes(least="64 B", most="2048 B", usual="1115 B")] = Field(
        default=1115,
        description=(
            "Length of a CCSDS transfer frame, whose headers are part of the overhead. A mode "
            "whose code block is one transfer frame uses its own length."
        ),
        examples=["1115 B"],
    )

    @property
    def mode_set(self) -> ModeSet:
        """All modes that the satellite can send."""
        if isinstance(self.modes, str):
            return MODE_SETS[self.modes]
        return ModeSet(tuple(spec.mode for spec in self.modes))

    @property
    def used_modes(self) -> tuple[Mode, ...]:
        """The modes that the coding may send, in ascending order of required Es/N0 and of rate."""
        every = self.mode_set
        names = [self.mode] if self.mode is not None else self.fallback
        if names is None:
            return every.envelope()
        return ModeSet(tuple(mode for mode in every if mode.name in names)).envelope()

    @classmethod
    def clashes(cls, given: Mapping[str, Any]) -> Clashes:
        """Yield clashes of the two ways to give the EIRP, and of modes and coding."""
        yield from _power_clashes(given)
        yield from _mode_clashes(given)


def _power_clashes(given: Mapping[str, Any]) -> Clashes:
    parts = [key for key in ("power", "antenna_gain", "line_loss") if given.get(key) is not None]
    if given.get("eirp") is not None:
        if parts:
            yield (
                parts[0],
                (
                    f"found {' and '.join(parts)} beside eirp; allowed: eirp alone, or power, "
                    "antenna_gain and line_loss"
                ),
            )
    elif not {"power", "antenna_gain"} <= set(parts):
        found = " and ".join(parts) or "none of them"
        yield (
            parts[0] if parts else "",
            f"found {found}; allowed: eirp, or both power and antenna_gain",
        )


def _mode_clashes(given: Mapping[str, Any]) -> Clashes:
    names = _names(given.get("modes"))
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield "modes", f"found two modes called {shown(name)}; allowed: each name once"
    coding = given.get("coding")
    own = {"ccm": ("mode",), "vcm": ("fallback", "availability"), "acm": ("fallback",)}
    if not isinstance(coding, str) or coding not in own:
        return
    for key in ("mode", "fallback", "availability"):
        if given.get(key) is not None and key not in own[coding]:
            allowed = ", ".join(c for c, fields in own.items() if key in fields)
            yield key, f"found {key} with coding {coding}; allowed: with coding {allowed}"
    if coding == "ccm" and given.get("mode") is None:
        yield "mode", "missing with coding ccm; allowed: the mode that is sent"
    chosen = given.get("fallback")
    wanted: list[tuple[str, Any]] = [("mode", given.get("mode"))] if coding == "ccm" else []
    if isinstance(chosen, list | tuple):
        wanted += [(f"fallback.{i}", name) for i, name in enumerate(chosen)]
        if not chosen:
            yield "fallback", "found an empty list; allowed: at least one mode"
    for at, choice in wanted:
        if names and isinstance(choice, str) and choice not in names:
            yield at, f"found {shown(choice)}; {one_of(choice, names)}"


def _names(modes: object) -> list[str]:
    """Return the names of modes, given as in a file or as models; empty if they are invalid."""
    if isinstance(modes, str):
        return [mode.name for mode in MODE_SETS.get(modes, ())]
    if not isinstance(modes, list | tuple):
        return []
    names = [
        mode.name if isinstance(mode, ModeSpec) else mode.get("name")
        for mode in modes[: 2 * MOST_MODES]
        if isinstance(mode, ModeSpec | Mapping)
    ]
    return [name for name in names if isinstance(name, str)]


class ReceiverSpec(Model):
    """A station's antenna and receiver."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["g_over_t"]}, {"required": ["diameter"]}]}
    )

    g_over_t: Annotated[float, DecibelsPerKelvin(least="-50 dB/K", most="80 dB/K")] | None = Field(
        default=None,
        description=(
            "Figure of merit under a clear sky at `reference_elevation`. Without it, it follows "
            "from diameter, efficiency and system temperature."
        ),
        examples=["31 dB/K"],
    )
    diameter: Annotated[float, Metres(least="1 cm", most="100 m", usual="5.4 m")] | None = Field(
        default=None, description="Diameter of the dish.", examples=["5.4 m"]
    )
    efficiency: Annotated[float, Number(0.01, 1)] = Field(
        default=0.6, description="Aperture efficiency of the dish.", examples=[0.6]
    )
    system_temperature: Annotated[float, Kelvins(least="10 K", most="10000 K")] = Field(
        default=150.0,
        description=(
            "System noise temperature under a clear sky at `reference_elevation`. Also with a "
            "given G/T it decides how much the noise of a wet sky matters."
        ),
        examples=["150 K"],
    )
    reference_elevation: Annotated[float, Degrees(least="0 deg", most="90 deg")] = Field(
        default=10.0,
        description="Elevation at which G/T and system temperature are stated.",
        examples=["10 deg"],
    )
    largest_symbol_rate: (
        Annotated[float, SymbolsPerSecond(least="1 symbol/s", most="100 Gsymbol/s")] | None
    ) = Field(
        default=None,
        description="Largest symbol rate of the demodulator; `null` for any.",
        examples=["500 Msymbol/s"],
    )
    bands: tuple[BandName, ...] = Field(
        default=(),
        max_length=20,
        description=(
            "The bands that the station receives. Default: any. A satellite in another band has "
            "no contact with the station."
        ),
        examples=[["S", "X"]],
    )
    pointing_loss: _Loss = Field(
        default=0.0, description="Loss by the dish's pointing.", examples=["0.2 dB"]
    )
    polarization_loss: _Loss = Field(
        default=0.0, description="Loss by unlike polarizations.", examples=["0.2 dB"]
    )

    @classmethod
    def clashes(cls, given: Mapping[str, Any]) -> Clashes:
        """Yield a clash if neither G/T nor a diameter is given."""
        if given.get("g_over_t") is None and given.get("diameter") is None:
            yield "", "found neither g_over_t nor diameter; allowed: one of them or both"

    def receives(self, frequency_hz: float) -> bool:
        """Return whether a frequency lies in one of the station's bands."""
        return not self.bands or any(
            BANDS[band][0] <= frequency_hz <= BANDS[band][1] for band in self.bands
        )

    def demodulates(self, symbol_rate: float) -> bool:
        """Return whether a symbol rate is not too high for the demodulator."""
        return self.largest_symbol_rate is None or symbol_rate <= self.largest_symbol_rate
