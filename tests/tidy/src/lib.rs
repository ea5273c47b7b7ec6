//! Rules of the house, checked.
//!
//! Every rule takes the [`Tree`] of the checkout and returns what is wrong, one line an offence, naming file,
//! line and mend. The rules read; they never change a file and start no process.

mod requirements;
mod rules;
mod tree;

pub use requirements::requirements;
pub use rules::{
    declarations_only, dependency_direction, file_length, forbidden_tokens, forbidden_words, function_length,
    opening_comment, top_level,
};
pub use tree::{SourceFile, Tree};
