//! Interfaces, addresses, DHCP and address conflict detection.
