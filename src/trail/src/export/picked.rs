//! Which channel is shown: a terminal shows one.

use crate::event::{Event, Kind};

/// Most columns and rows that are believed: a screen of a stranger must not take all memory, nor all time to be made anew.
const MOST: [u32; 2] = [600, 300];
/// Columns and rows of a terminal that does not say.
const USUAL: [u16; 2] = [80, 24];

/// The channel, and the size of its terminal so far.
#[derive(Clone, Debug)]
pub(crate) struct Picked {
    wanted: Option<u32>,
    /// Another one had something to show too.
    others: bool,
}

impl Picked {
    /// The channel that is wanted, or the first that shows anything.
    pub(crate) const fn new(wanted: Option<u32>) -> Self {
        Self {
            wanted,
            others: false,
        }
    }

    /// Whether the event is of the channel.
    pub(crate) fn takes(&mut self, event: &Event<'_>) -> bool {
        let shows = matches!(event.kind, Kind::Terminal { .. } | Kind::Output { .. });
        match self.wanted {
            None if shows => {
                self.wanted = Some(event.channel);
                true
            }
            None => false,
            Some(channel) if channel == event.channel => true,
            Some(_) => {
                self.others |= shows;
                false
            }
        }
    }

    pub(crate) const fn others(&self) -> bool {
        self.others
    }
}

/// Columns and rows within bounds; a client that does not know how large its terminal is says 0.
pub(crate) fn size(columns: u32, rows: u32) -> (u16, u16) {
    let fit = |number: u32, usual: u16, most: u32| match number {
        0 => usual,
        number => u16::try_from(number.min(most)).unwrap_or(usual),
    };
    (fit(columns, USUAL[0], MOST[0]), fit(rows, USUAL[1], MOST[1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_without_a_size_has_the_usual_one() {
        assert_eq!(size(0, 0), (80, 24));
        assert_eq!(size(1, 50), (1, 50));
        assert_eq!(size(u32::MAX, 70_000), (600, 300));
    }
}
