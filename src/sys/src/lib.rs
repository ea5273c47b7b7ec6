//! The only room with unsafe code: system calls the safe crates do not cover.
