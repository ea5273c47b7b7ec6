//! One file a family of rules.

mod dependencies;
mod shape;
mod tokens;
mod words;

pub use dependencies::dependency_direction;
pub use shape::{declarations_only, file_length, function_length, opening_comment, top_level};
pub use tokens::forbidden_tokens;
pub use words::forbidden_words;
