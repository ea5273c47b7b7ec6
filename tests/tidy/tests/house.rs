//! The rules of the house against the checkout, one test a rule.

use sps_tidy::{
    Tree, declarations_only, dependency_direction, file_length, forbidden_tokens, forbidden_words,
    function_length, opening_comment, requirements, top_level,
};

#[track_caller]
fn holds(rule: fn(&Tree) -> Vec<String>) {
    let tree = Tree::checkout().unwrap_or_else(|error| panic!("the checkout cannot be read: {error}"));
    let problems = rule(&tree);
    assert!(
        problems.is_empty(),
        "{} offences:\n{}",
        problems.len(),
        problems.join("\n")
    );
}

#[test]
fn the_top_folder_holds_what_the_plan_names() {
    holds(top_level);
}

#[test]
fn every_file_says_what_it_is_for() {
    holds(opening_comment);
}

#[test]
fn files_stay_reviewable() {
    holds(file_length);
}

#[test]
fn functions_stay_readable() {
    holds(function_length);
}

#[test]
fn lib_and_mod_are_tables_of_contents() {
    holds(declarations_only);
}

#[test]
fn nothing_unsafe_unfinished_ignored_or_asleep() {
    holds(forbidden_tokens);
}

#[test]
fn no_word_that_does_not_belong() {
    holds(forbidden_words);
}

#[test]
fn dependencies_point_one_way() {
    holds(dependency_direction);
}

#[test]
fn every_requirement_names_its_test_or_is_open() {
    holds(requirements);
}
