//! The user name of a client, and the server it may name: `user@server:port`, `gu=gateway-user@user@server`.
//!
//! `%` may stand for `@`, and `+` or `/` for `:`, since some clients take neither (SPS's administration guide, *Using in-band
//! destination selection*). The last part is the server; what stands between is the user there, so that it may hold an `@` itself.

use thiserror::Error;

use crate::host::{Host, HostError, shown};

/// Longest user name of a client, bytes: three names of 255 with a port, rounded up.
const LONGEST: usize = 1024;
/// What stands in front of the gateway user.
const GATEWAY: &str = "gu=";
const BETWEEN: [char; 2] = ['@', '%'];
const BEFORE_PORT: [char; 3] = [':', '+', '/'];

/// What a client said in its user name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Login {
    /// Who it is at the gateway, if that was said.
    pub gateway_user: Option<String>,
    /// Who it wants to be on the server, if that was said.
    pub server_user: Option<String>,
    /// Where it wants to go, if that was said.
    pub server: Option<Host>,
    /// Port there, if that was said.
    pub port: Option<u16>,
}

/// Why a user name cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InbandError {
    /// Too long.
    #[error("the user name has {length} bytes: at most {LONGEST} are taken")]
    Long {
        /// Bytes.
        length: usize,
    },
    /// Characters no name has.
    #[error("the user name holds a control character: remove it")]
    Control,
    /// `gu=` without a name.
    #[error("there is no gateway user behind gu=: write gu=name@user@server")]
    GatewayUser,
    /// No server behind the last separator, or no host name.
    #[error(transparent)]
    Server(#[from] HostError),
    /// No port.
    #[error("{text:?} is not a port: give one of 1 to 65535")]
    Port {
        /// What was given, as far as it can be shown.
        text: String,
    },
}

impl Login {
    /// Reads a user name of a connection that goes where its policy says: nothing but `gu=` is special.
    ///
    /// # Errors
    /// When it is too long, or `gu=` names nobody.
    pub fn plain(name: &str) -> Result<Self, InbandError> {
        let (gateway_user, rest) = gateway(checked(name)?)?;
        Ok(Self {
            gateway_user,
            server_user: named(rest),
            ..Self::default()
        })
    }

    /// Reads a user name that may name the server too.
    ///
    /// # Errors
    /// When the server is no host name or address, or its port none.
    pub fn inband(name: &str) -> Result<Self, InbandError> {
        let (gateway_user, rest) = gateway(checked(name)?)?;
        let Some(at) = rest.rfind(BETWEEN) else {
            return Ok(Self {
                gateway_user,
                server_user: named(rest),
                ..Self::default()
            });
        };
        let (user, target) = rest.split_at(at);
        // Both separators are one byte.
        let (server, port) = server_and_port(target.get(1..).unwrap_or_default())?;
        Ok(Self {
            gateway_user,
            server_user: named(user),
            server: Some(server),
            port,
        })
    }

    /// Reads `server`, `server:port` as typed when somebody was asked for it.
    ///
    /// # Errors
    /// When the server is no host name or address, or its port none.
    pub fn server(text: &str) -> Result<(Host, Option<u16>), InbandError> {
        server_and_port(checked(text)?)
    }
}

fn checked(name: &str) -> Result<&str, InbandError> {
    if name.len() > LONGEST {
        return Err(InbandError::Long { length: name.len() });
    }
    if name.contains(char::is_control) {
        return Err(InbandError::Control);
    }
    Ok(name)
}

fn named(name: &str) -> Option<String> {
    (!name.is_empty()).then(|| name.to_owned())
}

fn gateway(name: &str) -> Result<(Option<String>, &str), InbandError> {
    let Some(rest) = name.strip_prefix(GATEWAY) else {
        return Ok((None, name));
    };
    let (user, rest) = rest.split_once(BETWEEN).unwrap_or((rest, ""));
    if user.is_empty() {
        return Err(InbandError::GatewayUser);
    }
    Ok((Some(user.to_owned()), rest))
}

fn server_and_port(text: &str) -> Result<(Host, Option<u16>), InbandError> {
    if let Some(end) = text.strip_prefix('[').and_then(|_| text.find(']')) {
        let (host, rest) = text.split_at(end + 1);
        let host = Host::parse(host)?;
        return match rest.strip_prefix(BEFORE_PORT) {
            Some(port) => Ok((host, Some(number(port)?))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err(HostError::Brackets { text: shown(text) }.into()),
        };
    }
    // More than one colon is an IPv6 address without brackets: which of them would stand before the port nobody knows.
    if text.matches(':').count() > 1 {
        return Ok((Host::parse(text)?, None));
    }
    match text.split_once(BEFORE_PORT) {
        Some((host, port)) => Ok((Host::parse(host)?, Some(number(port)?))),
        None => Ok((Host::parse(text)?, None)),
    }
}

fn number(text: &str) -> Result<u16, InbandError> {
    let digits = text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(port) if digits && port != 0 => Ok(port),
        _ => Err(InbandError::Port { text: shown(text) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str) -> (Option<String>, Option<String>, Option<String>, Option<u16>) {
        let login = Login::inband(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        let server = login.server.map(|server| server.to_string());
        (login.gateway_user, login.server_user, server, login.port)
    }

    fn expect(
        gateway: Option<&str>,
        user: Option<&str>,
        server: Option<&str>,
        port: Option<u16>,
    ) -> (Option<String>, Option<String>, Option<String>, Option<u16>) {
        (
            gateway.map(Into::into),
            user.map(Into::into),
            server.map(Into::into),
            port,
        )
    }

    #[test]
    fn every_way_to_name_a_server() {
        let port = Some(2222);
        let root = Some("root");
        let db = Some("db1.example.com");
        for name in [
            "root@db1.example.com:2222",
            "root%db1.example.com:2222",
            "root@db1.example.com+2222",
            "root%db1.example.com/2222",
        ] {
            assert_eq!(told(name), expect(None, root, db, port), "{name}");
        }
        assert_eq!(told("root@db1.example.com"), expect(None, root, db, None));
        assert_eq!(told("root"), expect(None, root, None, None));
        assert_eq!(told("@db1.example.com"), expect(None, None, db, None));
        assert_eq!(
            told("gu=alice@root@db1.example.com"),
            expect(Some("alice"), root, db, None)
        );
        assert_eq!(
            told("gu=alice%root%db1.example.com+2222"),
            expect(Some("alice"), root, db, port)
        );
        assert_eq!(told("gu=alice@root"), expect(Some("alice"), root, None, None));
    }

    #[test]
    fn addresses_of_ipv6_stand_in_brackets() {
        let user = Some("root");
        let address = Some("2001:db8::22");
        assert_eq!(
            told("root@[2001:db8::22]:2222"),
            expect(None, user, address, Some(2222))
        );
        assert_eq!(told("root@[2001:db8::22]"), expect(None, user, address, None));
        assert_eq!(told("root@2001:db8::22"), expect(None, user, address, None));
        assert!(Login::inband("root@[2001:db8::22]x").is_err());
        assert!(Login::inband("root@[2001:db8::22").is_err());
    }

    #[test]
    fn a_user_may_hold_the_separator() {
        let server = Some("db1");
        assert_eq!(
            told("alice@example.com@db1"),
            expect(None, Some("alice@example.com"), server, None)
        );
    }

    #[test]
    fn without_in_band_selection_a_name_is_a_name() {
        let login = Login::plain("alice@example.com").unwrap();
        assert_eq!(login.server_user.as_deref(), Some("alice@example.com"));
        let login = Login::plain("gu=alice@root").unwrap();
        assert_eq!(
            (login.gateway_user.as_deref(), login.server_user.as_deref()),
            (Some("alice"), Some("root"))
        );
    }

    #[test]
    fn refusals_say_what_is_wrong() {
        for (name, word) in [
            ("root@my_server", "RFC 5890"),
            ("root@db1:0", "port"),
            ("root@db1:65536", "port"),
            ("root@db1:+22", "port"),
            ("root@db1:", "port"),
            ("root@", "no server name"),
            ("gu=@root@db1", "gateway user"),
            ("ro\not@db1", "control"),
        ] {
            let error = Login::inband(name).unwrap_err().to_string();
            assert!(error.contains(word), "{name}: {error}");
        }
        let long = "a".repeat(LONGEST + 1);
        assert_eq!(
            Login::inband(&long),
            Err(InbandError::Long { length: LONGEST + 1 })
        );
    }
}
