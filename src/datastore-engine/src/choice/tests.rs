//! Which tree, in every situation.

use super::*;

const OLD: &str = "old";
const NEW: &str = "new";

fn tree(layout: u32, generation: u32) -> TreeName {
    TreeName { generation, layout }
}

fn whole(name: TreeName) -> Tree {
    Tree {
        name,
        unfinished: None,
    }
}

fn half(name: TreeName, from: Option<TreeName>, firmware: &str) -> Tree {
    Tree {
        name,
        unfinished: Some(Origin {
            from,
            firmware: firmware.into(),
        }),
    }
}

fn facts(trees: Vec<Tree>, pointers: &[(&str, TreeName)], last: Option<TreeName>) -> StoreFacts {
    StoreFacts {
        trees,
        pointers: pointers
            .iter()
            .map(|(digest, tree)| ((*digest).into(), *tree))
            .collect(),
        last_served: last,
    }
}

#[test]
fn an_empty_store_gets_a_tree() {
    let made = Choice::Create { tree: tree(5, 1) };
    assert_eq!(choose(&StoreFacts::default(), NEW, 5), Ok(made));
    // The power failed while the first was made.
    let begun = facts(vec![half(tree(5, 1), None, NEW)], &[], None);
    assert_eq!(choose(&begun, NEW, 5), Ok(Choice::Create { tree: tree(5, 2) }));
}

#[test]
fn an_upgrade_makes_a_tree_and_the_old_one_stays_the_old_firmwares() {
    let (one, two) = (tree(4, 1), tree(5, 2));
    let before = facts(vec![whole(one)], &[(OLD, one)], Some(one));
    let make = |resume| Choice::Reorganize {
        from: one,
        into: two,
        resume,
    };
    assert_eq!(choose(&before, NEW, 5), Ok(make(false)));
    let cut = facts(
        vec![whole(one), half(two, Some(one), NEW)],
        &[(OLD, one)],
        Some(one),
    );
    assert_eq!(choose(&cut, NEW, 5), Ok(make(true)));
    assert_eq!(
        choose(&cut, OLD, 4),
        Ok(Choice::Use { tree: one }),
        "the upgrade was given up"
    );
    let after = facts(vec![whole(one), whole(two)], &[(OLD, one), (NEW, two)], Some(two));
    assert_eq!(choose(&after, NEW, 5), Ok(Choice::Use { tree: two }));
    assert_eq!(
        choose(&after, OLD, 4),
        Ok(Choice::Use { tree: one }),
        "going back"
    );
}

#[test]
fn what_another_firmware_began_is_not_gone_on_with() {
    let (one, two) = (tree(4, 1), tree(5, 2));
    for origin in [(Some(one), OLD), (Some(tree(3, 9)), NEW), (None, NEW)] {
        let begun = facts(
            vec![whole(one), half(two, origin.0, origin.1)],
            &[(OLD, one)],
            Some(one),
        );
        let afresh = Choice::Reorganize {
            from: one,
            into: tree(5, 3),
            resume: false,
        };
        assert_eq!(choose(&begun, NEW, 5), Ok(afresh), "{origin:?}");
    }
}

#[test]
fn going_forward_again_starts_from_what_was_worked_on_last() {
    let (one, two) = (tree(4, 1), tree(5, 2));
    let back = facts(vec![whole(one), whole(two)], &[(OLD, one), (NEW, two)], Some(one));
    let again = Choice::Reorganize {
        from: one,
        into: tree(5, 3),
        resume: false,
    };
    assert_eq!(choose(&back, NEW, 5), Ok(again));
}

#[test]
fn firmware_of_one_layout_shares_a_tree() {
    let one = tree(5, 1);
    let shared = facts(vec![whole(one)], &[(OLD, one)], Some(one));
    assert_eq!(choose(&shared, NEW, 5), Ok(Choice::Point { tree: one }));
    // Reorganized afresh by another firmware of this layout: the newer tree counts.
    let two = tree(5, 3);
    let newer = facts(vec![whole(one), whole(two)], &[(OLD, one), (NEW, two)], Some(two));
    assert_eq!(choose(&newer, OLD, 5), Ok(Choice::Point { tree: two }));
}

#[test]
fn a_store_from_the_future_is_refused() {
    let later = tree(5, 7);
    let store = facts(vec![whole(later)], &[(NEW, later)], Some(later));
    let refusal = choose(&store, OLD, 4).unwrap_err();
    assert!(
        matches!(refusal, Refusal::Future { found: 5, own: 4, .. }),
        "{refusal}"
    );
    let unknown = facts(vec![whole(tree(9, 1))], &[("x", tree(9, 1))], Some(tree(9, 1)));
    assert!(matches!(
        choose(&unknown, NEW, 5),
        Err(Refusal::Future { found: 9, .. })
    ));
    assert!(matches!(choose(&store, NEW, 6), Err(Refusal::Unknown { own: 6 })));
}

#[test]
fn without_the_record_of_the_last_the_newest_whole_tree_counts() {
    let (one, two) = (tree(4, 1), tree(5, 2));
    for last in [None, Some(tree(5, 9))] {
        let store = facts(vec![whole(one), whole(two)], &[(OLD, one)], last);
        assert_eq!(choose(&store, NEW, 5), Ok(Choice::Point { tree: two }));
        assert_eq!(choose(&store, OLD, 4), Ok(Choice::Use { tree: one }));
    }
}

#[test]
fn a_store_of_halves_is_not_begun_anew() {
    let store = facts(vec![half(tree(5, 2), None, NEW)], &[(OLD, tree(4, 1))], None);
    assert_eq!(choose(&store, NEW, 5), Err(Refusal::NothingWhole));
}

#[test]
fn only_trees_that_nobody_goes_back_to_are_unneeded() {
    let (one, two, three) = (tree(4, 1), tree(5, 2), tree(5, 3));
    let store = facts(
        vec![whole(one), half(two, Some(one), NEW), whole(three)],
        &[(OLD, one), (NEW, three)],
        Some(three),
    );
    let kept = |digests: &[&str]| digests.iter().map(|digest| (*digest).to_owned()).collect();
    assert_eq!(store.unneeded(three, &kept(&[OLD, NEW])), [two]);
    assert_eq!(store.unneeded(three, &kept(&[NEW])), [one, two]);
    assert_eq!(
        store.unneeded(three, &BTreeSet::new()),
        [one, two],
        "what is used is kept always"
    );
}
