"""The host's memory as a pool for several virtual machines, after Waldspurger (OSDI 2002).

Everything here works on the real bytes of simulated pages, with numpy; nothing outside imports
this folder before it needs it. Read in this order: ``frames`` (the machine's memory), ``space``
(which page of a VM is where), ``guest`` (the small operating system in a VM, which decides what it
can do without), ``paging`` (the host gives pages, takes them back and moves them to its disk),
``sharing`` (equal pages become one), ``sampling`` (how much a VM really uses), ``shares`` (what
each VM is entitled to, with the idle memory tax), ``levels`` (when to reclaim), ``pool`` (all of it
together, round by round), ``workloads`` and ``scenarios`` (what the VMs do), ``figures`` (the
paper's experiments again), ``report`` and ``commands`` (the same on the command line). Real
guests with balloon drivers are next door, in ``host/balloon`` and ``host/lending``.
"""
