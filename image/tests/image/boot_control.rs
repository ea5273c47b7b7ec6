//! The boot control: what is written is read back, by us and by GRUB's own tool; what is damaged is refused.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use sps_image::boot_control::{
    Chosen, Control, ControlError, Copy, Lock, MAX_TRIES, Other, SECTOR, SIZE, SlotFlags, SlotNumber, Tries,
    choose,
};

use crate::noise::Noise;

const LOCKS: [Lock; 3] = [Lock::A, Lock::B, Lock::C];

fn slots() -> impl Iterator<Item = Option<SlotNumber>> {
    std::iter::once(None).chain(SlotNumber::ALL.map(Some))
}

fn flags() -> Vec<SlotFlags> {
    let one = |valid, tries, good| SlotFlags {
        valid,
        tries: Tries::new(tries).unwrap(),
        good,
    };
    (0..=MAX_TRIES)
        .flat_map(|tries| {
            [(false, false), (false, true), (true, false), (true, true)].map(|(v, g)| one(v, tries, g))
        })
        .collect()
}

/// Any legal control.
fn any(noise: &mut Noise) -> Control {
    let flags = flags();
    let mut control = Control {
        lock: LOCKS[noise.below(3)],
        first: slots().nth(noise.below(5)).unwrap(),
        second: slots().nth(noise.below(5)).unwrap(),
        ..Control::default()
    };
    for number in SlotNumber::ALL {
        *control.slot_mut(number) = flags[noise.below(flags.len())];
    }
    control
}

fn staged() -> Control {
    let mut control = Control::installed(SlotNumber::FIRST);
    control.second = control.first;
    control.first = Some(SlotNumber::try_from(3).unwrap());
    *control.slot_mut(SlotNumber::ALL[2]) = SlotFlags::ON_TRIAL;
    control
}

#[test]
fn the_text_of_a_copy() {
    let bytes = staged().to_bytes();
    let end = bytes.iter().rposition(|byte| *byte == b'\n').unwrap();
    assert!(end < SECTOR, "the last line ends at byte {end}");
    assert!(bytes[end + 1..].iter().all(|byte| *byte == b'#'));
    insta::assert_snapshot!(String::from_utf8_lossy(&bytes[..=end]));
}

#[test]
fn every_legal_value_is_read_back() {
    let mut seen = 0;
    for lock in LOCKS {
        for first in slots() {
            for second in slots() {
                for number in SlotNumber::ALL {
                    for flags in flags() {
                        let mut control = Control {
                            lock,
                            first,
                            second,
                            ..Control::default()
                        };
                        *control.slot_mut(number) = flags;
                        assert_eq!(Control::parse(&control.to_bytes()), Ok(control));
                        seen += 1;
                    }
                }
            }
        }
    }
    assert_eq!(seen, 3 * 5 * 5 * 4 * 16);
    let mut noise = Noise::new(3);
    for _ in 0..2000 {
        let control = any(&mut noise);
        assert_eq!(Control::parse(&control.to_bytes()), Ok(control));
    }
}

/// What every change of every single byte of a copy leads to.
///
/// A change of a value into another legal one cannot be seen: 4 other slots for `first` and `second` each; for each
/// of four slots 1 other value of `valid`, 3 of `tries`, 1 of `good`. That is 28 of 261,120 changes. All others are
/// refused, or lie in the padding and change nothing.
#[test]
fn single_bytes() {
    let mut noise = Noise::new(4);
    for control in [Control::installed(SlotNumber::FIRST), staged(), any(&mut noise)] {
        let good = control.to_bytes();
        let mut counts = BTreeMap::from([("another", 0), ("refused", 0), ("same", 0)]);
        for place in 0..SIZE {
            for change in 1..=255 {
                let mut bytes = good;
                bytes[place] ^= change;
                let outcome = match Control::parse(&bytes) {
                    Err(_) => "refused",
                    Ok(read) if read == control => "same",
                    Ok(_) => "another",
                };
                *counts.get_mut(outcome).unwrap() += 1;
            }
        }
        println!("{counts:?}");
        assert_eq!(counts["another"], 4 + 4 + 4 * (1 + 3 + 1));
        assert!(
            counts["same"] <= (SIZE - good.iter().rposition(|b| *b == b'\n').unwrap() - 2) * 254,
            "changes outside the padding were not noticed"
        );
    }
}

#[test]
fn a_write_cut_at_any_byte_is_the_old_the_new_or_nothing() {
    let mut noise = Noise::new(5);
    for _ in 0..50 {
        let old = any(&mut noise);
        let new = Control {
            lock: old.lock.next(),
            ..any(&mut noise)
        };
        for cut in 0..=SIZE {
            let torn = [&new.to_bytes()[..cut], &old.to_bytes()[cut..]].concat();
            if let Ok(read) = Control::parse(&torn) {
                assert!(read == old || read == new, "cut at {cut}: {read:?}");
            }
        }
    }
}

#[test]
fn a_lost_sector_is_noticed_or_holds_nothing() {
    let control = staged();
    let good = control.to_bytes();
    let mut noise = Noise::new(6);
    for filling in [vec![0; SECTOR], vec![0xff; SECTOR], noise.bytes(SECTOR)] {
        let first_lost = [&filling, &good[SECTOR..]].concat();
        assert_eq!(Control::parse(&first_lost), Err(ControlError::NoBlock));
        let second_lost = [&good[..SECTOR], &filling].concat();
        let read = Control::parse(&second_lost);
        let holds_a_line = filling.contains(&b'\n');
        assert_eq!(read.is_ok(), !holds_a_line);
    }
    let hidden = [&good[..SECTOR], b"#\nfirst=1\n".as_slice(), &good[SECTOR + 10..]].concat();
    assert_eq!(Control::parse(&hidden), Err(ControlError::Trailing));
}

#[test]
fn garbage_is_refused() {
    let mut noise = Noise::new(7);
    for size in [0, 1, SECTOR, SIZE - 1, SIZE, SIZE + 1] {
        assert!(Control::parse(&noise.bytes(size)).is_err());
    }
    let text = String::from_utf8(staged().to_bytes().to_vec()).unwrap();
    let changes = [
        ("protocol=1", "protocol=2"),
        ("first=3", "first=5"),
        ("tail=a", "tail=b"),
        ("head=a", "head=d"),
        ("slot1_tries=3", "slot1_tries=4"),
        ("slot1_good=1", "slot1_good=y"),
        ("first=3\nsecond=1", "second=1\nfirst=3"),
        ("slot4_good=0", "slot4_good0#"),
    ];
    for (from, to) in changes {
        assert!(text.contains(from));
        let changed = text.replacen(from, to, 1);
        assert!(Control::parse(changed.as_bytes()).is_err(), "{to} was taken");
    }
}

#[test]
fn a_is_read_if_it_is_complete_else_b() {
    let old = staged();
    let new = Control::installed(SlotNumber::FIRST).with_next_lock();
    let bad = [0; SIZE];
    let read = |a: &[u8], b: &[u8]| choose(a, b).map(|Chosen { control, copy, .. }| (control, copy));
    assert_eq!(read(&new.to_bytes(), &old.to_bytes()), Ok((new, Copy::A)));
    assert_eq!(read(&bad, &old.to_bytes()), Ok((old, Copy::B)));
    assert_eq!(read(&new.to_bytes(), &bad), Ok((new, Copy::A)));
    let text = choose(&bad, b"").unwrap_err().to_string();
    insta::assert_snapshot!(text);
    let other = |a: &Control, b: &Control| choose(&a.to_bytes(), &b.to_bytes()).unwrap().other;
    assert_eq!(other(&new, &new), Other::Same);
    assert_eq!(other(&new, &old), Other::Differs(old));
    assert_eq!(LOCKS.map(Lock::next), [Lock::B, Lock::C, Lock::A]);
}

/// GRUB's own tool reads the same values, and a value it sets is the one byte we would have written.
#[test]
fn grubs_own_tool_agrees() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("control-a.env");
    let mut noise = Noise::new(8);
    for round in 0..20 {
        let control = if round == 0 { staged() } else { any(&mut noise) };
        let bytes = control.to_bytes();
        std::fs::write(&file, bytes).unwrap();
        let end = bytes.iter().rposition(|byte| *byte == b'\n').unwrap();
        let lines = String::from_utf8_lossy(&bytes[..=end]).into_owned();
        let listed = grub_editenv(&file, &["list"]);
        assert_eq!(lines.split_once('\n').unwrap().1, listed);

        let number = SlotNumber::ALL[noise.below(4)];
        let tries = Tries::new(noise.below(4) as u8).unwrap();
        let mut changed = control;
        changed.lock = control.lock.next();
        changed.slot_mut(number).tries = tries;
        let letter = changed.lock.letter();
        let head = format!("head={letter}");
        let tail = format!("tail={letter}");
        grub_editenv(
            &file,
            &["set", &head, &format!("slot{number}_tries={tries}"), &tail],
        );
        assert!(std::fs::read(&file).unwrap() == changed.to_bytes());
    }
}

fn grub_editenv(file: &Path, words: &[&str]) -> String {
    let output = Command::new("grub-editenv")
        .arg(file)
        .args(words)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}
