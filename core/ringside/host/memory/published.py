"""What Waldspurger published, as far as it is compared with here.

C. A. Waldspurger, "Memory Resource Management in VMware ESX Server", OSDI 2002. His machines ran
Windows and Linux with dbench and SPEC95 on ESX Server; ours run modelled guests, so shapes and
ratios are compared, never seconds or megabytes a second.
"""

from __future__ import annotations

from typing import Final

SOURCE: Final = "Waldspurger, OSDI 2002"

# Section 3.2, figure 2: dbench, 40 clients, in a Linux VM of 256 MB ballooned down, against a VM
# configured with that size: overhead in percent by megabytes.
BALLOON_OVERHEAD: Final[dict[int, float]] = {128: 4.4, 224: 1.4}
BALLOON_VM_MB: Final = 256

# Section 4.3, figure 4: identical Linux VMs of 40 MB running SPEC95.
SHARING_VM_MB: Final = 40
SHARED_OF_ONE: Final = 12.5  # percent: 5 of 40 MB within a single VM
ZERO_OF_SHARED: Final = 55.0  # percent of those 5 MB were zero pages
SHARED_OF_TEN: Final = 67.0  # percent of the memory of ten VMs
RECLAIMED_OF_TEN: Final = 60.0

# Section 5.4, figure 6: memory touched between 50 and 250 MB; the estimate follows the fast
# average up and the slow one down.
SAMPLING_MB: Final = (50, 250)

# Section 5.4, figure 7: an idle Windows VM and a Linux VM with dbench, 256 MB each, equal shares.
TAX_VM_MB: Final = 256
TAX_RATES: Final = (0.0, 0.75)
TAX_GAIN: Final = 30.0  # "over 30 %" more throughput for the busy VM
