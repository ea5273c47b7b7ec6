//! Numbers of payment cards in a text (ISO/IEC 7812-1: 13 to 19 digits, the last by the formula of Luhn).

const SHORTEST: usize = 13;
const LONGEST: usize = 19;

/// The card numbers in `text`, digits alone. Groups may be set off by single spaces or hyphens.
#[must_use]
pub fn card_numbers(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut run = String::new();
    let mut gap = false;
    for c in text.chars().chain(std::iter::once('\n')) {
        if c.is_ascii_digit() {
            run.push(c);
            gap = false;
        } else if matches!(c, ' ' | '-') && !gap && !run.is_empty() {
            gap = true;
        } else {
            collect(&run, &mut found);
            run.clear();
            gap = false;
        }
    }
    found
}

/// A whole run must be the number: inside a longer one (a hash, a serial number) every tenth place would fit by chance.
fn collect(run: &str, found: &mut Vec<String>) {
    if (SHORTEST..=LONGEST).contains(&run.len()) && checks(run) && !run.bytes().all(|digit| digit == b'0') {
        found.push(run.to_owned());
    }
}

fn checks(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0');
            match (place % 2, digit) {
                (0, _) => digit,
                (_, 0..=4) => digit * 2,
                _ => digit * 2 - 9,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_numbers_are_found_as_people_write_them() {
        // Test numbers of the card schemes.
        for text in [
            "4111111111111111",
            "pay 4111 1111 1111 1111 now",
            "5500-0000-0000-0004",
            "(378282246310005)",
        ] {
            assert_eq!(card_numbers(text).len(), 1, "{text}");
        }
        for text in [
            "4111111111111112",
            "0000000000000000",
            "41111111111111114111111111111111",
            "4111  1111 1111 1111",
            "1234",
            "",
        ] {
            assert!(card_numbers(text).is_empty(), "{text}");
        }
    }
}
