//! What the operator reads first.

use std::fmt;

/// Product, version and what makes this firmware special.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Banner {
    /// Product name.
    pub product: String,
    /// Firmware version.
    pub version: String,
    /// Release channel.
    pub channel: String,
    /// Build.
    pub build: String,
    /// Signed with the published development key: anybody can make firmware that this one trusts.
    pub development: bool,
}

impl fmt::Display for Banner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} ({}), build {}",
            self.product, self.version, self.channel, self.build
        )?;
        if self.development {
            f.write_str(" - DEVELOPMENT BUILD, not for production")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_development_build_says_so() {
        let mut banner = Banner {
            product: "Safeguard appliance".into(),
            version: "0.1.0".into(),
            channel: "feature".into(),
            build: "abc".into(),
            development: false,
        };
        banner.channel = "lts".into();
        assert_eq!(banner.to_string(), "Safeguard appliance 0.1.0 (lts), build abc");
        banner.development = true;
        assert!(
            banner
                .to_string()
                .ends_with("DEVELOPMENT BUILD, not for production")
        );
    }
}
