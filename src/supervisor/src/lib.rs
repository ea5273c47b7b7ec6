//! Runs services as supervised tasks; executes what the engine decides.
