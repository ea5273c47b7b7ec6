//! The sessions on disk: one file, replaced as a whole.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sps_durable::{Document, Folder, Medium, SaveError, load, save};
use tracing::warn;

use crate::sessions::{Kept, Now, Sessions};

/// [`crate::MOST_SESSIONS`] of a few hundred bytes each.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AllSessions {
    format: u32,
    /// Seconds since 1970.
    saved: u64,
    sessions: Vec<Kept>,
}

impl Document for AllSessions {
    const NAME: &'static str = "sessions.json";
    const FORMAT: u32 = 1;
    const MOST: usize = 512 * 1024;

    fn format(&self) -> u32 {
        self.format
    }
}

/// Where sessions are kept.
#[derive(Debug)]
pub struct Store {
    medium: Box<dyn Medium>,
}

impl Store {
    /// In `folder`, which need not exist.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self::on(Box::new(Folder::new(folder)))
    }

    fn on(medium: Box<dyn Medium>) -> Self {
        Self { medium }
    }

    /// The sessions that were kept. None when there is no file or it is damaged: then everybody logs in again.
    #[must_use]
    pub fn load(&self, now: Now) -> Sessions {
        match load::<AllSessions>(self.medium.as_ref()) {
            Ok(Some(document)) => Sessions::restore(document.sessions, document.saved, now),
            Ok(None) => Sessions::default(),
            Err(reason) => {
                warn!("the web sessions are lost, everybody logs in again: {reason}");
                Sessions::default()
            }
        }
    }

    /// Keeps the sessions as they are.
    ///
    /// # Errors
    /// A step on disk failed.
    pub fn save(&mut self, sessions: &Sessions, now: Now) -> Result<(), SaveError> {
        let document = AllSessions {
            format: AllSessions::FORMAT,
            saved: now.wall,
            sessions: sessions.kept(now),
        };
        save(self.medium.as_mut(), &document)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use sps_durable::simulation::{CrashDisk, Unsynced};

    use super::*;
    use crate::sessions::{Kind, Session};
    use crate::token::{Token, TokenHash};

    fn now() -> Now {
        Now {
            wall: 1_800_000_000,
            uptime: Duration::from_secs(100),
        }
    }

    fn with(tokens: &[TokenHash]) -> Sessions {
        let mut sessions = Sessions::default();
        for token in tokens {
            let session = Session {
                user: "admin".into(),
                kind: Kind::Web,
                address: Ipv4Addr::LOCALHOST.into(),
                since: now().wall,
            };
            sessions.open(*token, session, now());
        }
        sessions
    }

    fn token() -> TokenHash {
        Token::new().unwrap().hash()
    }

    #[test]
    fn what_is_kept_is_found_and_holds_no_token() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access");
        let shown = Token::new().unwrap();
        let mut store = Store::new(&path);
        assert!(store.load(now()).is_empty());
        store.save(&with(&[shown.hash()]), now()).unwrap();
        assert!(
            Store::new(&path)
                .load(now())
                .find(&shown.hash(), true, now())
                .is_some()
        );
        let text = std::fs::read_to_string(path.join(AllSessions::NAME)).unwrap();
        assert!(!text.contains(shown.expose()), "{text}");
    }

    #[test]
    fn damage_logs_everybody_out_and_harms_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(AllSessions::NAME);
        Store::new(folder.path()).save(&with(&[token()]), now()).unwrap();
        let good = std::fs::read(&file).unwrap();
        for cut in 0..good.len() {
            std::fs::write(&file, &good[..cut]).unwrap();
            assert!(Store::new(folder.path()).load(now()).is_empty());
        }
        let text = String::from_utf8(good).unwrap();
        std::fs::write(&file, text.replace("\"format\":1", "\"format\":2")).unwrap();
        assert!(Store::new(folder.path()).load(now()).is_empty());
        std::fs::write(&file, &text).unwrap();
        assert_eq!(Store::new(folder.path()).load(now()).len(), 1);
    }

    /// The power fails before every step: the old sessions or the new ones are there, and those that were promised are.
    #[test]
    fn a_power_cut_leaves_the_old_or_the_new_sessions() {
        let (one, two) = (token(), token());
        let disk = CrashDisk::default();
        let store = |disk: &CrashDisk| Store::on(Box::new(disk.clone()));
        store(&disk).save(&with(&[one]), now()).unwrap();
        let mut tried = 0;
        for cut in 0..8 {
            let disk = disk.copy();
            disk.fail_after(cut);
            let promised = store(&disk).save(&with(&[one, two]), now()).is_ok();
            for names in 0..disk.journal_length().max(1) {
                for unsynced in [Unsynced::Lost, Unsynced::Half, Unsynced::Kept] {
                    let mut left = store(&disk.after_cut(names, unsynced)).load(now());
                    assert!(left.find(&one, true, now()).is_some(), "cut {cut}");
                    assert!(left.find(&two, true, now()).is_some() || !promised, "cut {cut}");
                    tried += 1;
                }
            }
        }
        assert!(tried > 20, "{tried}");
    }
}
