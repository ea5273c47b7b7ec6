//! Who did what: sessions of a company over two years.

use sps_session_record::{Channel, Endpoint, Event, FORMAT, Indexing, SessionRecord, Word};

use crate::random::Random;

/// 2023-01-01T00:00:00Z, milliseconds.
const BEGIN: u64 = 1_672_531_200_000;
/// Two years.
const SPAN: u64 = 2 * 365 * 86_400_000;
const USERS: [&str; 12] = [
    "alice",
    "bob",
    "carol",
    "dave",
    "erin",
    "frank",
    "grace",
    "heidi",
    "ivan",
    "judy",
    "mallory",
    "o.müller",
];
const SERVERS: [&str; 8] = ["db", "web", "mail", "build", "files", "proxy", "ldap", "backup"];
const COMMANDS: [&str; 8] = [
    "ls -la",
    "sudo -i",
    "systemctl restart postgresql",
    "tail -f /var/log/syslog",
    "vim /etc/hosts",
    "df -h",
    "apt-get upgrade",
    "psql -c 'select 1'",
];
const TITLES: [&str; 4] = ["Server Manager", "Event Viewer", "Services", "Untitled - Notepad"];

/// The session with this number of so many; they are spread evenly over two years.
#[must_use]
pub fn session(number: u64, of: u64, random: &mut Random) -> SessionRecord {
    let start = BEGIN + SPAN / of.max(1) * number + random.below(SPAN / of.max(1) + 1);
    let is_rdp = random.below(4) == 0;
    let (protocol, kind, port) = if is_rdp {
        (Word::RDP, "drawing", 3389)
    } else {
        (Word::SSH, "session-shell", 22)
    };
    let user = *random.one_of(&USERS);
    let server = format!("{}{}", random.one_of(&SERVERS), random.below(40));
    let length = 1_000 + random.below(3_600_000);
    let start = i64::try_from(start).unwrap_or(0);
    let end = start + i64::try_from(length).unwrap_or(0);
    SessionRecord {
        format: FORMAT,
        id: format!(
            "{protocol}-{}-{number:08x}-{:04x}",
            stamp(start),
            random.below(65_536)
        ),
        connection: if is_rdp {
            "windows-servers"
        } else {
            "linux-servers"
        }
        .into(),
        protocol,
        start,
        end: (random.below(500) > 0).then_some(end),
        client: Endpoint {
            address: format!("192.0.2.{}", random.below(254) + 1),
            port: u16::try_from(1024 + random.below(60_000)).unwrap_or(1024),
        },
        server: Some(Endpoint {
            address: format!("198.51.100.{}", random.below(254) + 1),
            port,
        }),
        target: Some(format!("{server}.example.com")),
        gateway_user: Some(user.into()),
        server_user: Some((*random.one_of(&["root", "admin", user])).to_owned()),
        verdict: verdict(random),
        channels: vec![Channel {
            kind: Word::try_from(kind).unwrap_or(Word::SSH),
            start: start + 500,
            end: Some(end),
            verdict: Word::ACCEPT,
        }],
        events: events(is_rdp, start, length, random),
        trail: None,
        indexing: Indexing {
            state: Word::INDEXED,
            version: 1,
        },
    }
}

fn verdict(random: &mut Random) -> Word {
    match random.below(100) {
        0..=2 => Word::AUTH_FAIL,
        3 => Word::DENY,
        4 => Word::TERMINATED,
        _ => Word::ACCEPT,
    }
}

fn events(is_rdp: bool, start: i64, length: u64, random: &mut Random) -> Vec<Event> {
    let count = random.below(8);
    let event = |number: u64| {
        let (kind, text) = if is_rdp {
            (Word::WINDOW_TITLE, *random.one_of(&TITLES))
        } else {
            (Word::COMMAND, *random.one_of(&COMMANDS))
        };
        Event {
            at: start + i64::try_from(length / (count + 1) * (number + 1)).unwrap_or(0),
            kind,
            text: text.into(),
        }
    };
    (0..count).map(event).collect()
}

/// `20240517-081530`, of milliseconds since 1970 (the civil calendar of Howard Hinnant's `civil_from_days`).
fn stamp(milliseconds: i64) -> String {
    let seconds = milliseconds.div_euclid(1000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}-{hour:02}{minute:02}{second:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        assert_eq!(stamp(0), "19700101-000000");
        assert_eq!(stamp(1_715_933_730_000), "20240517-081530");
        assert_eq!(stamp(1_709_164_800_000), "20240229-000000");
    }

    #[test]
    fn every_session_is_a_good_record_and_no_two_are_one() {
        let mut random = Random::new(3);
        let made: Vec<_> = (0..500).map(|number| session(number, 500, &mut random)).collect();
        for record in &made {
            record.check().unwrap();
        }
        let ids: std::collections::BTreeSet<_> = made.iter().map(|record| &record.id).collect();
        assert_eq!(ids.len(), 500);
    }
}
