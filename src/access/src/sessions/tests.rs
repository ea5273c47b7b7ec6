//! The table of sessions: how they end, survive and make room.

use std::net::Ipv4Addr;

use super::*;
use crate::token::Token;

fn at(seconds: u64) -> Now {
    Now {
        wall: 1_800_000_000 + seconds,
        uptime: Duration::from_secs(seconds),
    }
}

fn session(user: &str, kind: Kind) -> Session {
    Session {
        user: user.into(),
        kind,
        address: Ipv4Addr::new(192, 0, 2, 9).into(),
        since: 1_800_000_000,
    }
}

fn opened(kind: Kind) -> (Sessions, TokenHash) {
    let token = Token::new().unwrap().hash();
    let mut sessions = Sessions::default();
    sessions.open(token, session("admin", kind), at(0));
    (sessions, token)
}

#[test]
fn a_session_ends_when_nobody_uses_it() {
    for (kind, idle) in [(Kind::Web, 600), (Kind::Api, 1200)] {
        let (mut sessions, token) = opened(kind);
        assert!(sessions.find(&token, true, at(idle - 1)).is_some());
        assert_eq!(
            sessions.left(&token, at(idle - 1)),
            Some(Duration::from_secs(idle))
        );
        assert!(sessions.find(&token, true, at(2 * idle - 2)).is_some());
        assert!(sessions.find(&token, true, at(3 * idle - 2)).is_none());
        assert!(sessions.is_empty());
    }
}

#[test]
fn a_page_that_refreshes_itself_keeps_nobody_logged_in() {
    let (mut sessions, token) = opened(Kind::Web);
    for second in 1..600 {
        assert!(sessions.find(&token, false, at(second)).is_some());
    }
    assert!(sessions.find(&token, false, at(600)).is_none());
}

#[test]
fn however_busy_it_ends_after_twelve_hours() {
    let (mut sessions, token) = opened(Kind::Web);
    let hours = 12 * 3600;
    for minute in 1..720 {
        assert!(sessions.find(&token, true, at(minute * 60)).is_some());
    }
    assert!(sessions.find(&token, true, at(hours)).is_none());
}

#[test]
fn a_clock_that_is_set_ends_no_session_and_prolongs_none() {
    let (mut sessions, token) = opened(Kind::Web);
    for wall in [0, 4_000_000_000] {
        let now = Now { wall, ..at(5) };
        assert!(sessions.find(&token, false, now).is_some());
        let late = Now { wall, ..at(700) };
        assert!(sessions.clone().find(&token, false, late).is_none());
    }
}

#[test]
fn after_a_reboot_it_goes_on_where_it_was() {
    let (sessions, token) = opened(Kind::Web);
    let saved = at(500);
    let kept = sessions.kept(saved);
    // Half an hour away, a new boot whose clock begins anew.
    let now = |uptime| Now {
        wall: saved.wall + 1800 + uptime,
        uptime: Duration::from_secs(uptime),
    };
    let mut restored = Sessions::restore(kept, saved.wall, now(10));
    assert!(restored.find(&token, false, now(109)).is_some());
    assert!(restored.clone().find(&token, false, now(110)).is_none());
    assert!(restored.find(&token, true, now(50)).is_some());
    assert!(restored.find(&token, false, now(600)).is_some());
}

#[test]
fn time_away_counts_as_life_and_a_clock_that_went_back_does_not() {
    let (sessions, token) = opened(Kind::Web);
    let kept = sessions.kept(at(10));
    let wall = at(10).wall;
    let away = |seconds: i64| Now {
        wall: wall.checked_add_signed(seconds).unwrap(),
        uptime: Duration::from_secs(9),
    };
    let restored = |now| Sessions::restore(kept.clone(), wall, now);
    assert_eq!(restored(away(12 * 3600 - 20)).len(), 1);
    assert_eq!(restored(away(12 * 3600)).len(), 0);
    assert!(restored(away(-1_000_000)).find(&token, true, away(0)).is_some());
}

#[test]
fn a_flood_of_logins_ends_the_idlest_of_the_same_user() {
    let (mut sessions, token) = opened(Kind::Web);
    for n in 0..2 * MOST_SESSIONS as u64 {
        sessions.open(
            Token::new().unwrap().hash(),
            session("script", Kind::Api),
            at(n / 100),
        );
    }
    assert_eq!(sessions.len(), MOST_OF_ONE + 1);
    assert!(sessions.find(&token, true, at(30)).is_some());
    for n in 0..2 * MOST_SESSIONS {
        let user = format!("user{n}");
        sessions.open(Token::new().unwrap().hash(), session(&user, Kind::Api), at(31));
    }
    assert_eq!(sessions.len(), MOST_SESSIONS);
}

#[test]
fn a_changed_password_ends_the_others() {
    let (mut sessions, mine) = opened(Kind::Web);
    let (other, stranger) = (Token::new().unwrap().hash(), Token::new().unwrap().hash());
    sessions.open(other, session("admin", Kind::Api), at(1));
    sessions.open(stranger, session("else", Kind::Web), at(1));
    sessions.close_all("admin", Some(&mine));
    assert!(sessions.find(&mine, true, at(2)).is_some());
    assert!(sessions.find(&other, true, at(2)).is_none());
    assert!(sessions.find(&stranger, true, at(2)).is_some());
    assert_eq!(sessions.close(&stranger).unwrap().user, "else");
}
