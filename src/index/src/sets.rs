//! Sets of numbers of sessions, as sorted lists.

/// What is in both.
pub(crate) fn both(one: &[i64], other: &[i64]) -> Vec<i64> {
    let (few, many) = if one.len() <= other.len() {
        (one, other)
    } else {
        (other, one)
    };
    few.iter()
        .copied()
        .filter(|number| many.binary_search(number).is_ok())
        .collect()
}

/// What is in `all` and not in `without`.
pub(crate) fn less(all: &[i64], without: &[i64]) -> Vec<i64> {
    all.iter()
        .copied()
        .filter(|number| without.binary_search(number).is_err())
        .collect()
}

/// Sorted, each once. Runs that are sorted already cost little.
pub(crate) fn sorted(mut numbers: Vec<i64>) -> Vec<i64> {
    numbers.sort();
    numbers.dedup();
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_what_they_are_called() {
        let (one, other) = (sorted(vec![5, 1, 3, 1]), sorted(vec![4, 3, 5]));
        assert_eq!(one, [1, 3, 5]);
        assert_eq!(both(&one, &other), [3, 5]);
        assert_eq!(less(&one, &other), [1]);
        assert_eq!(both(&one, &[]), Vec::<i64>::new());
        assert_eq!(less(&one, &[]), one);
    }
}
