//! The operator's screen and serial line.
