//! HTTP: the boot page and its live log.
