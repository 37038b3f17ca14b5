"""The variables of the standard function blocks, in the order in which lib/iec_std_FB.h declares them."""

from .model import Pou, Variable


def _block(name: str, members: str) -> Pou:
    return Pou(name, [Variable(*member.split(":")) for member in members.split()], "")


_TIMER = "IN:BOOL PT:TIME Q:BOOL ET:TIME STATE:SINT PREV_IN:BOOL CURRENT_TIME:TIME START_TIME:TIME"

STANDARD_BLOCKS = {
    block.name: block
    for block in [
        _block("R_TRIG", "CLK:BOOL Q:BOOL M:BOOL"),
        _block("F_TRIG", "CLK:BOOL Q:BOOL M:BOOL"),
        _block("CTU", "CU:BOOL R:BOOL PV:INT Q:BOOL CV:INT CU_T:R_TRIG"),
        _block("TON", _TIMER),
        _block("TOF", _TIMER),
        _block("TP", _TIMER),
    ]
}
