"""Software that lives in VMX root operation: what the technique ``hardware-assist`` is made of.

``root`` enters VMX operation and lays out what it needs in memory, ``settings`` says which controls
a virtual machine gets, ``state`` moves the guest's registers between VMCS and virtual CPU, ``vm``
is the virtual machine with the event it is to be given, ``handlers`` answers exits by reason.
"""
