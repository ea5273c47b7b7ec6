//! Guests under QEMU: disks, serial line, QMP, ports, links.
