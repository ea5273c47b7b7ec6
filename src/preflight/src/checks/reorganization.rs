//! How long will the data store be reorganized at the upgrade? Nobody connects meanwhile.

use crate::finding::{Found, Severity};
use crate::snapshot::Snapshot;
use crate::store::{Upgrade, upgrade};
use crate::text::amount;

const SETTING: &str = "Basic Settings > System > Firmwares";

pub(crate) fn check(snapshot: &Snapshot) -> Vec<Found> {
    let estimate = match upgrade(snapshot) {
        Upgrade::Unknown => return vec![Found::unknown(SETTING, "what the data store holds")],
        Upgrade::Nothing => return Vec::new(),
        Upgrade::Impossible(error) => {
            return vec![Found::new(
                Severity::Blocks,
                SETTING,
                error.to_string(),
                "get a firmware that was made for this data store",
            )];
        }
        Upgrade::Planned(estimate) => estimate,
    };
    vec![Found::new(
        Severity::Reminder,
        SETTING,
        format!(
            "the first start reorganizes the data store: {} files in about {}; {} are copied, the rest finds its place without being \
             touched; {} must be free, and nobody can connect meanwhile",
            estimate.files,
            duration(estimate.time.as_secs()),
            amount(estimate.bytes),
            amount(estimate.space)
        ),
        "choose a time for the restart; console and browser show how far it is, and a power cut costs nothing but time",
    )]
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..=1 => "1 s".into(),
        2..=119 => format!("{seconds} s"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::{severities, with};
    use crate::snapshot::{Counted, DataStore};

    fn with_files(layout: u32, files: u64) -> Snapshot {
        let trails = Counted {
            files,
            names: files * 32,
            ..Counted::default()
        };
        let mut snapshot = with(|facts| {
            facts.store = Some(DataStore {
                layout,
                kinds: [("audit trails".to_owned(), trails)].into(),
                links_a_second: 10_000,
                copies_a_second: 100,
                bytes_a_second: 1_000_000,
            });
        });
        snapshot.candidate.data_layout = 5;
        snapshot
    }

    #[test]
    fn files_time_and_room_are_told() {
        assert_eq!(check(&with_files(5, 1_000_000)), [], "the same layout");
        let found = check(&with_files(1, 1_300_000));
        assert_eq!(severities(&found), [Severity::Reminder]);
        for word in ["1300000 files", "3 minutes"] {
            assert!(found[0].problem.contains(word), "{found:?}");
        }
    }

    #[test]
    fn what_cannot_be_done_blocks_and_what_is_not_known_is_said() {
        let mut later = with_files(1, 1);
        later.candidate.data_layout = 99;
        assert_eq!(severities(&check(&later)), [Severity::Blocks]);
        let silent = with(|facts| facts.store = None);
        assert_eq!(severities(&check(&silent)), [Severity::Warning]);
    }

    #[test]
    fn times_are_readable() {
        let told: Vec<_> = [0, 1, 2, 119, 120, 121].map(duration).into();
        assert_eq!(told, ["1 s", "1 s", "2 s", "119 s", "2 minutes", "3 minutes"]);
    }
}
