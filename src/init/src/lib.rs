//! PID 1: boot phases, reaping, signals and the one exit funnel.
