//! Whole conversations with the menu, as a person reads them.

mod appliance;
mod hostile;
mod screens;
mod talk;
mod time;
