"""A small RISC-V machine: RV32I with machine and user mode, for a guest of another instruction set.

References are to The RISC-V Instruction Set Manual, vol. I (Unprivileged, 20191213) and vol. II
(Privileged, 20211203).
"""
