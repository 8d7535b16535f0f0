"""VMX, the virtual-machine extensions, as the manual defines them (SDM vol. 3C, ch. 24-31).

Architecture only: nothing here knows what software does with it.

==============  ===============================================================================
``fields``      the fields of a VMCS under their encodings, as data
``controls``    the control bits, and the capability MSRs that say which may be set
``vmcs``        one VMCS region in memory
``operation``   VMX operation: what the VMX instructions do
``checks``      what VM entry demands of controls and host state
``guest``       what it demands of guest state
``entry``       VM entry: the checks in order, loading the guest, event injection
``execution``   non-root operation: what makes the processor leave the virtual machine
``exits``       VM exit: exit information, saving the guest, loading the host
``reasons``     the basic exit reasons
``info``        the exit-information formats
``msrs``        the lists of MSRs that entry and exit load and store
==============  ===============================================================================
"""
