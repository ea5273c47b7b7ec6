//! Floods and shortages, without a machine.

use super::*;

const MIB: u64 = 1 << 20;

fn limits() -> Limits {
    Limits {
        sessions: 1000,
        of_one_client: 100,
        logging_in: 50,
        refuse_below_percent: 15,
        end_below_percent: 7,
    }
}

fn client(number: u32) -> Client {
    Client::of(IpAddr::V4(number.into()))
}

fn memory(available: u64, resident: u64) -> Memory {
    Memory {
        total: 500 * MIB,
        available: available * MIB,
        resident: resident * MIB,
        stalled: 0.0,
    }
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// So many that are logged in.
fn crowd(admission: &mut Admission, count: u32) {
    for number in 0..count {
        admission.admit(client(1000 + number)).unwrap();
        admission.logged_in(client(1000 + number));
    }
}

#[test]
fn each_limit_refuses_with_its_own_word_and_what_goes_makes_room() {
    let mut admission = Admission::new(limits());
    for number in 0..50 {
        admission.admit(client(number)).unwrap();
    }
    assert_eq!(admission.admit(client(99)), Err(Refusal::LoggingIn));
    for number in 0..50 {
        admission.logged_in(client(number));
    }
    for _ in 0..13 {
        admission.admit(client(98)).unwrap();
    }
    assert_eq!(
        admission.admit(client(98)),
        Err(Refusal::LoggingIn),
        "others want in too"
    );
    for _ in 0..13 {
        admission.left(client(98), false);
    }
    for _ in 0..100 {
        admission.admit(client(99)).unwrap();
        admission.logged_in(client(99));
    }
    assert_eq!(admission.admit(client(99)), Err(Refusal::OfOneClient));
    admission.left(client(99), true);
    admission.admit(client(99)).unwrap();
    admission.logged_in(client(99));
    crowd(&mut admission, 850);
    assert_eq!(admission.open(), (1000, 0));
    assert_eq!(admission.admit(client(7)), Err(Refusal::Sessions));
    admission.limit(Limits {
        sessions: 1001,
        ..limits()
    });
    admission.admit(client(7)).unwrap();
    assert_eq!(admission.open(), (1001, 1));
    admission.left(client(7), false);
    assert_eq!(admission.open(), (1000, 0));
    admission.leave(Leaving::Restart);
    assert_eq!(
        admission.admit(client(8)),
        Err(Refusal::Leaving(Leaving::Restart))
    );
    assert_eq!(Refusal::Memory.word(), "memory");
}

#[test]
fn an_ipv6_network_is_one_client_and_an_ipv4_address_is_the_same_however_it_is_written() {
    let of = |text: &str| Client::of(text.parse().unwrap());
    assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
    assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
    assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    assert_ne!(of("192.0.2.2"), of("192.0.2.1"));
}

#[test]
fn between_two_measurements_no_more_come_in_than_there_is_memory_for() {
    let mut admission = Admission::new(limits());
    assert_eq!(admission.measured(memory(95, 40), at(0)), 0);
    // 75 MiB must stay; each is taken to cost one.
    for number in 0..20 {
        admission.admit(client(number)).unwrap();
    }
    assert_eq!(admission.admit(client(20)), Err(Refusal::Memory));
    // Those who have not logged in have not taken theirs yet, however often is measured.
    assert_eq!(admission.measured(memory(95, 60), at(1)), 0);
    assert_eq!(admission.admit(client(20)), Err(Refusal::Memory));
    for number in 0..20 {
        admission.logged_in(client(number));
    }
    assert_eq!(admission.measured(memory(95, 60), at(2)), 0);
    admission.admit(client(20)).unwrap();
}

#[test]
fn what_a_session_costs_is_learnt_within_bounds() {
    let mut admission = Admission::new(limits());
    admission.measured(memory(400, 40), at(0));
    crowd(&mut admission, 40);
    admission.measured(memory(300, 120), at(1));
    assert_eq!(admission.cost(), 2 * MIB);
    admission.measured(memory(300, 40), at(2));
    assert_eq!(admission.cost(), COST_LEAST);
}

#[test]
fn a_shortage_ends_some_waits_for_what_they_give_back_and_then_ends_more() {
    let mut admission = Admission::new(limits());
    admission.measured(memory(400, 40), at(0));
    crowd(&mut admission, 100);
    // 1 MiB each; below 35 MiB sessions end, and 55 are wanted.
    assert_eq!(admission.measured(memory(36, 140), at(1)), 0);
    assert_eq!(admission.admit(client(1)), Err(Refusal::Memory));
    assert_eq!(admission.measured(memory(34, 140), at(2)), 21);
    assert_eq!(
        admission.measured(memory(20, 140), at(3)),
        0,
        "they are still ending"
    );
    assert_eq!(
        admission.measured(memory(20, 140), at(4)),
        25,
        "no more than a quarter at once"
    );
    for number in 0..50 {
        admission.left(client(1000 + number), true);
    }
    assert_eq!(admission.measured(memory(60, 90), at(6)), 0);
    // When nearly nothing is left nobody waits that long.
    assert_eq!(admission.measured(memory(10, 90), at(7)), 13);
    assert_eq!(admission.measured(memory(10, 90), at(7) + SETTLE_URGENT), 13);
}

#[test]
fn a_small_machine_has_small_windows() {
    let mut admission = Admission::new(limits());
    assert_eq!(admission.window(), WINDOW_LARGE);
    admission.measured(memory(400, 40), at(0));
    assert_eq!(admission.window(), WINDOW_SMALL);
}

#[test]
fn a_machine_that_stands_still_for_want_of_memory_ends_sessions_too() {
    let mut admission = Admission::new(limits());
    crowd(&mut admission, 10);
    let stalled = |available| Memory {
        stalled: 40.0,
        ..memory(available, 100)
    };
    assert_eq!(
        admission.measured(stalled(200), at(1)),
        0,
        "that has another reason"
    );
    assert_eq!(admission.admit(client(1)), Err(Refusal::Memory));
    assert_eq!(admission.measured(stalled(60), at(2)), 1);
    let mut nobody = Admission::new(limits());
    assert_eq!(nobody.measured(stalled(1), at(0)), 0);
}

#[test]
fn every_refusal_is_a_sentence_with_what_to_do() {
    for refusal in [
        Refusal::Leaving(Leaving::PowerOff),
        Refusal::Sessions,
        Refusal::OfOneClient,
        Refusal::LoggingIn,
        Refusal::Memory,
    ] {
        let text = refusal.to_string();
        assert!(
            text.contains("try again") || text.contains("ask an administrator"),
            "{text}"
        );
    }
}

/// Ten thousand come at once, each takes more than was thought, and none of them ever goes by itself: the memory never falls to nothing.
#[test]
fn a_flood_never_takes_the_last_of_the_memory() {
    let mut admission = Admission::new(Limits {
        sessions: 100_000,
        of_one_client: 100_000,
        ..limits()
    });
    let (total, empty, each) = (500 * MIB, 40 * MIB, 3 * MIB);
    let mut open: Vec<Client> = Vec::new();
    let mut refused = 0;
    for round in 0..500_u64 {
        for number in 0..20 {
            match admission.admit(client(number)) {
                Ok(()) => {
                    open.push(client(number));
                    admission.logged_in(client(number));
                }
                Err(refusal) => {
                    assert_eq!(refusal, Refusal::Memory);
                    refused += 1;
                }
            }
        }
        let used = open.len() as u64 * each;
        // Sessions grow after a while: those of the last rounds have a third of what they will have.
        let available = (total - 2 * empty).saturating_sub(used);
        assert!(available > total / 50, "round {round}: {} sessions", open.len());
        let now = Memory {
            total,
            available,
            resident: empty + used,
            stalled: 0.0,
        };
        let end = admission.measured(now, Duration::from_millis(500 * round));
        for _ in 0..end {
            admission.left(open.pop().unwrap(), true);
        }
    }
    assert!(
        refused > 9000 && open.len() > 50,
        "{refused} refused, {} open",
        open.len()
    );
}
