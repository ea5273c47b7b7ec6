//! Whole stories told by a booted appliance.
