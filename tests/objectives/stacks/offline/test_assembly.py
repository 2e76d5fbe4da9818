"""Assembly without a GPU: loops, and bank conflicts against patterns whose wavefronts are counted by hand."""

import numpy as np
import pytest

from tests.perf.gpu.offline.assembly import parse_assembly
from tests.perf.gpu.offline.bank_conflicts import busiest_bank, wavefronts

LOOPS = """
        /*0000*/                   S2R R0, SR_TID.X ;
        /*0010*/               @P0 EXIT ;
.L_x_0:
        /*0020*/                   IADD3 R1, R1, 0x1, RZ ;
.L_x_1:
        /*0030*/                   FFMA R2, R3, R4, R2 ;
        /*0040*/               @P1 BRA `(.L_x_3) ;
.L_x_2:
        /*0050*/               @P2 BRA `(.L_x_1) ;
        /*0060*/               @P3 BRA `(.L_x_0) ;
        /*0070*/                   EXIT ;
.L_x_3:
        /*0080*/                   FADD R2, R2, R2 ;
        /*0090*/                   BRA `(.L_x_2) ;
.L_x_4:
        /*00a0*/                   BRA `(.L_x_4);
        /*00b0*/                   NOP ;
"""


def access(*lines):
    """Wavefronts of a warp's last instruction, all before it computing its address."""
    text = "\n".join(f"/*{16 * n:04x}*/ {line} ;" for n, line in enumerate(["S2R R0, SR_TID.X", *lines]))
    return wavefronts(parse_assembly(text.replace("/*", "        /*")).instructions, 1)[len(lines)]


def test_loops_are_natural_ones():
    """A block behind the exit belongs to the inner loop that jumps there; the trap at the end is no loop."""
    assembly = parse_assembly(LOOPS)

    assert [loop.own for loop in assembly.loops] == [(2, 6), (3, 4, 5, 8, 9)]
    assert [loop.inside for loop in assembly.loops] == [None, 0]
    assert list(assembly.straight) == [0, 1, 7]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["SHF.L.U32 R1, R0, 0x2, RZ", "LDS R2, [R1+0x400]"], 1),
        (["IMAD.SHL.U32 R1, R0, 0x80, RZ", "LDS R2, [R1]"], 32),
        (["IMAD.SHL.U32 R1, R0, 0x80, RZ", "STS.128 [R1], R4"], 32),
        (["LOP3.LUT R1, R0, 0x1, RZ, 0xc0, !PT", "LEA R2, R1, UR4, 0x9", "LDS R3, [R2]"], 2),
        (["SHF.L.U32 R1, R0, 0x4, RZ", "LDS.128 R4, [R1]"], 4),
        (["SHF.L.U32 R1, R0, 0x4, RZ", "LDGSTS.E.BYPASS.128 [R1+UR4], desc[UR10][R6.64], P1"], 4),
        (["IMAD.MOV.U32 R1, RZ, RZ, 0x40", "LDS.64 R4, [R1]"], 1),
        (["IMAD R1, R0, 0x84, RZ", "LDS R2, [R1]"], 1),
        (["SHF.L.U32 R1, R0, 0x4, RZ", "LDSM.16.M88.4 R4, [R1]"], 4),
        (["SHF.L.U32 R1, R0, 0x7, RZ", "LDSM.16.M88.4 R4, [R1]"], 32),
        (["MUFU.EX2 R1, R0", "LDS R2, [R1]"], None),
        (["HFMA2.MMA R1, -RZ, RZ, 0, 7.62939453125e-06", "IMAD R2, R0, R1, RZ", "LDS R3, [R2]"], 32),
        (["ISETP.GE.AND P0, PT, R0, 0x10, PT", "SEL R1, RZ, 0x80, P0", "LDS R2, [R1]"], 2),
    ],
)
def test_wavefronts_of_known_patterns(lines, expected):
    """Contiguous words, a column, a broadcast, matrices, an address that cannot be computed, a choice by lane."""
    assert access(*lines) == expected


def test_a_swizzle_has_no_conflict():
    """A column of a tile whose words are exchanged by row: `row * 128 + ((column ^ row) * 4)`."""
    lines = ["LOP3.LUT R1, R0, 0x5, RZ, 0x3c, !PT", "SHF.L.U32 R1, R1, 0x2, RZ", "LEA R1, R0, R1, 0x7", "LDS R2, [R1]"]

    assert access(*lines) == 1


def test_the_busiest_bank_of_drawn_addresses():
    """The count equals one made word by word with sets."""
    rng = np.random.default_rng(0)
    for words in (1, 2, 4):
        address = rng.integers(0, 64, 32) * 4 * words
        banks = [set() for _ in range(32)]
        for start in address // 4:
            for word in range(start, start + words):
                banks[word % 32].add(word)
        assert busiest_bank(address, words) == max(map(len, banks))
