//! An error told with its causes, in one wording for every surface.

use std::error::Error;

/// `error` with its sources, outermost first, parted by colons.
pub fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::ParseIntError;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read the port")]
    struct Outer(#[source] ParseIntError);

    #[test]
    fn the_outermost_error_stands_first() {
        let inner = "x".parse::<u16>().expect_err("no number");
        let text = causes(&Outer(inner));
        assert_eq!(text, "cannot read the port: invalid digit found in string");
    }
}
