//! One measured figure, its comparison and its bar.

use serde::Serialize;

/// A figure. Smaller is better, for all of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    /// The comparison, in the same unit.
    peer: Option<f64>,
    /// `value / peer`.
    ratio: Option<f64>,
    /// What the project promises, as text.
    bar: Option<String>,
    met: Option<bool>,
}

impl Figure {
    /// A figure without comparison or bar.
    pub(crate) fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self {
            name: name.into(),
            value,
            unit,
            peer: None,
            ratio: None,
            bar: None,
            met: None,
        }
    }

    /// Adds what the comparison needs for the same.
    pub(crate) fn against(mut self, peer: f64) -> Self {
        self.peer = Some(peer);
        self.ratio = (peer > 0.0).then(|| self.value / peer);
        self
    }

    /// Promises a value of at most `limit`.
    pub(crate) fn at_most(mut self, limit: f64) -> Self {
        self.met = Some(self.value <= limit);
        self.bar = Some(format!("<= {limit} {}", self.unit));
        self
    }

    /// Promises a ratio of at most `limit`; call after [`Figure::against`].
    pub(crate) fn ratio_at_most(mut self, limit: f64) -> Self {
        self.met = self.ratio.map(|ratio| ratio <= limit);
        self.bar = Some(format!("<= {limit} x"));
        self
    }
}

/// The figures as a table.
pub(super) fn table(figures: &[Figure]) -> String {
    let head = ["figure", "value", "comparison", "ratio", "bar", ""].map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(head).chain(figures.iter().map(row)).collect();
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..6).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        text.push_str(&format!("{:1$}", row[0], widths[0]));
        for column in 1..6 {
            text.push_str(&format!("  {:>1$}", row[column], widths[column]));
        }
        text = text.trim_end().to_owned() + "\n";
    }
    text
}

fn row(figure: &Figure) -> [String; 6] {
    let measured = |value: f64| format!("{value:.2} {}", figure.unit);
    [
        figure.name.clone(),
        measured(figure.value),
        figure.peer.map(measured).unwrap_or_default(),
        figure
            .ratio
            .map(|ratio| format!("{ratio:.2}"))
            .unwrap_or_default(),
        figure.bar.clone().unwrap_or_default(),
        match figure.met {
            Some(true) => "met".to_owned(),
            Some(false) => "MISSED".to_owned(),
            None => String::new(),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_on_value_and_ratio_are_judged() {
        let value = Figure::new("assembly", 1.5, "s").against(3.0).at_most(1.0);
        let ratio = Figure::new("boot", 4.0, "s").against(3.5).ratio_at_most(1.4);
        assert_eq!((value.met, value.ratio), (Some(false), Some(0.5)));
        assert_eq!((ratio.met, ratio.bar.as_deref()), (Some(true), Some("<= 1.4 x")));
        let table = table(&[value, ratio]);
        assert!(
            table
                .lines()
                .nth(1)
                .is_some_and(|line| line.ends_with("<= 1 s  MISSED")),
            "{table}"
        );
        assert!(
            table.lines().nth(2).is_some_and(|line| line.ends_with("met")),
            "{table}"
        );
    }

    #[test]
    fn a_figure_is_one_json_object() {
        let json = serde_json::to_string(&Figure::new("size", 9.5, "MB").at_most(32.0)).expect("JSON");
        let expected =
            r#"{"name":"size","value":9.5,"unit":"MB","peer":null,"ratio":null,"bar":"<= 32 MB","met":true}"#;
        assert_eq!(json, expected);
    }
}
