//! What a session shows: enough of it in memory that whoever comes later sees it, and a way to hear what comes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use sps_trail::{Event, Kind};
use tokio::sync::broadcast;

/// Bytes of what a terminal showed that are kept: some screens full.
const BACKLOG: usize = 32 * 1024;
/// Things that happened that are kept.
const HAPPENED: usize = 100;
/// Events that may wait for a follower; one who is slower is told so and begins anew.
const AHEAD: usize = 1024;

/// An event that followers share.
pub(super) type Shared = Arc<Event<'static>>;

/// What is shown now.
#[derive(Debug, Default)]
pub(super) struct Scene {
    happened: VecDeque<Shared>,
    screens: BTreeMap<u32, Screen>,
    followers: Option<broadcast::Sender<Shared>>,
}

/// A terminal.
#[derive(Debug)]
struct Screen {
    begin: Shared,
    size: Option<Shared>,
    last: u64,
    backlog: VecDeque<u8>,
    /// Something is not kept any more.
    cut: bool,
}

impl Scene {
    /// Takes what happened. What was typed is passed over.
    pub(super) fn event(&mut self, event: &Event<'_>) {
        match &event.kind {
            Kind::Input { .. } => return,
            Kind::Output { data, .. } => match self.screens.get_mut(&event.channel) {
                Some(screen) => screen.show(event.at, data),
                // What files are made of is not shown.
                None => return,
            },
            Kind::Terminal { .. } => {
                let screen = Screen {
                    begin: Arc::new(event.clone().into_owned()),
                    size: None,
                    last: event.at,
                    backlog: VecDeque::new(),
                    cut: false,
                };
                self.screens.insert(event.channel, screen);
            }
            Kind::Resize { .. } => {
                if let Some(screen) = self.screens.get_mut(&event.channel) {
                    screen.size = Some(Arc::new(event.clone().into_owned()));
                }
            }
            kind => {
                if *kind == Kind::ChannelClosed {
                    self.screens.remove(&event.channel);
                }
                self.happened.push_back(Arc::new(event.clone().into_owned()));
                if self.happened.len() > HAPPENED {
                    self.happened.pop_front();
                }
            }
        }
        if let Some(followers) = &self.followers {
            // The last one may have gone meanwhile.
            if followers.send(Arc::new(event.clone().into_owned())).is_err() {
                self.followers = None;
            }
        }
    }

    /// What there is, in the order of its time, and what comes.
    pub(super) fn follow(&mut self) -> (Vec<Shared>, broadcast::Receiver<Shared>) {
        let followers = self.followers.get_or_insert_with(|| broadcast::channel(AHEAD).0);
        let coming = followers.subscribe();
        (self.shown(), coming)
    }

    /// How many follow.
    pub(super) fn followers(&self) -> usize {
        self.followers
            .as_ref()
            .map_or(0, broadcast::Sender::receiver_count)
    }

    /// Nothing comes any more.
    pub(super) fn end(&mut self) {
        self.followers = None;
    }

    fn shown(&self) -> Vec<Shared> {
        let mut shown: Vec<Shared> = self.happened.iter().cloned().collect();
        for screen in self.screens.values() {
            shown.push(screen.begin.clone());
            shown.extend(screen.size.clone());
            shown.extend(screen.kept());
        }
        // Stable: what happened at once stays in its order.
        shown.sort_by_key(|event| event.at);
        shown
    }
}

impl Screen {
    fn show(&mut self, at: u64, data: &[u8]) {
        self.last = at;
        let kept = &data[data.len().saturating_sub(BACKLOG)..];
        let over = (self.backlog.len() + kept.len()).saturating_sub(BACKLOG);
        self.cut |= over > 0 || kept.len() < data.len();
        self.backlog.drain(..over);
        self.backlog.extend(kept);
    }

    /// What it showed last: from the beginning of a line where something is not kept.
    fn kept(&self) -> Option<Shared> {
        let skip = if self.cut {
            self.backlog
                .iter()
                .position(|byte| *byte == b'\n')
                .map_or(0, |place| place + 1)
        } else {
            0
        };
        let data: Vec<u8> = self.backlog.iter().skip(skip).copied().collect();
        (!data.is_empty()).then(|| {
            Arc::new(Event {
                at: self.last,
                channel: self.begin.channel,
                kind: Kind::Output {
                    data: data.into(),
                    is_stderr: false,
                },
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn event(at: u64, channel: u32, kind: Kind<'static>) -> Event<'static> {
        Event { at, channel, kind }
    }

    fn terminal(at: u64) -> Event<'static> {
        let (term, columns, rows) = (Cow::Borrowed("xterm"), 80, 24);
        event(at, 0, Kind::Terminal { term, columns, rows })
    }

    fn output(at: u64, channel: u32, data: &[u8]) -> Event<'static> {
        let data = Cow::Owned(data.to_vec());
        let is_stderr = false;
        event(at, channel, Kind::Output { data, is_stderr })
    }

    fn shown(events: &[Shared]) -> Vec<u8> {
        let data = events.iter().filter_map(|event| match &event.kind {
            Kind::Output { data, .. } => Some(data.to_vec()),
            _ => None,
        });
        data.flatten().collect()
    }

    #[test]
    fn whoever_comes_later_sees_the_screen_and_then_what_comes_but_nothing_that_was_typed() {
        let mut scene = Scene::default();
        scene.event(&terminal(1));
        scene.event(&output(2, 0, b"hello "));
        let secret = Kind::Input {
            data: Cow::Borrowed(b"secret"),
        };
        scene.event(&event(3, 0, secret.clone()));
        let (before, mut coming) = scene.follow();
        assert_eq!(shown(&before), b"hello ");
        assert!(matches!(before[0].kind, Kind::Terminal { .. }));
        scene.event(&output(4, 0, b"world"));
        scene.event(&event(5, 0, secret));
        scene.event(&event(6, 0, Kind::ChannelClosed));
        assert_eq!(shown(&[coming.try_recv().unwrap()]), b"world");
        assert_eq!(coming.try_recv().unwrap().kind, Kind::ChannelClosed);
        assert_eq!(scene.followers(), 1);
        drop(coming);
        scene.event(&event(7, 0, Kind::ChannelClosed));
        assert_eq!(scene.followers(), 0);
    }

    #[test]
    fn what_is_kept_is_bounded_and_begins_with_a_line() {
        let mut scene = Scene::default();
        scene.event(&terminal(0));
        for number in 0..20_000 {
            scene.event(&output(number, 0, format!("line {number}\r\n").as_bytes()));
        }
        let kept = shown(&scene.follow().0);
        assert!(kept.len() <= BACKLOG && kept.starts_with(b"line ") && kept.ends_with(b"line 19999\r\n"));
        scene.event(&output(20_000, 0, &[b'x'; 3 * BACKLOG]));
        assert_eq!(shown(&scene.follow().0).len(), BACKLOG);
        for number in 0..1000 {
            let text = Cow::Owned(number.to_string());
            scene.event(&event(30_000 + number, 1, Kind::Note { text }));
            scene.event(&output(30_000 + number, 1, b"bytes of a file"));
        }
        assert_eq!(scene.happened.len(), HAPPENED);
        assert_eq!(shown(&scene.follow().0).len(), BACKLOG);
    }
}
