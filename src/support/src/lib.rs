//! Support bundle: what an engineer needs to see, without secrets.
