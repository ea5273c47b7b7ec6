//! Pure engine: restart policy, back-off, health and the watchdog's reason to be fed.
