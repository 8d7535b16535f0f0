"""The Popek–Goldberg laboratory: every instruction's class, found by running it.

Each encoding is run on many sampled states, in supervisor and in user mode, where everything is
and where everything is moved to, and the results are compared as the definitions of Popek and
Goldberg (CACM 17(7), 1974) say. Nothing here knows the answers: what an instruction table says
about privilege or sensitivity is not looked at.

:mod:`~ringside.classify.model`      what is found, as plain data with its evidence
:mod:`~ringside.classify.judge`      the definitions
:mod:`~ringside.classify.theorems`   the verdicts on theorems 1 and 3
:mod:`~ringside.classify.ia32`       states and encodings of IA-32
:mod:`~ringside.classify.rv32`       states and encodings of RV32
:mod:`~ringside.classify.variants`   the instruction sets there are to choose from
:mod:`~ringside.classify.laboratory` the work itself: :func:`classify`
:mod:`~ringside.classify.published`  what Robin and Irvine found, and the comparison
"""
