//! Arguments of a search for sessions.

use clap::{Args, ValueEnum};
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime, PrimitiveDateTime};

use super::arguments::Common;
use crate::search::{SessionFilter, SessionOrder, SessionSearch};

/// What is looked for.
#[derive(Args, Clone, Debug)]
pub struct SearchArgs {
    /// Began then or later: 2026-11-01, 2026-11-01T08:00 (UTC), or with an offset 2026-11-01T08:00:00+01:00
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: Option<i64>,
    /// Began before that
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<i64>,
    /// Protocol, such as ssh or rdp
    #[arg(long, value_name = "NAME")]
    protocol: Option<String>,
    /// Connection policy
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// How it ended, such as accept or deny
    #[arg(long, value_name = "WORD")]
    verdict: Option<String>,
    /// User at the gateway
    #[arg(long, short, value_name = "NAME")]
    user: Option<String>,
    /// User at the server
    #[arg(long, value_name = "NAME")]
    server_user: Option<String>,
    /// Server as it was asked for
    #[arg(long, short, value_name = "NAME")]
    target: Option<String>,
    /// Address of the client, or a network: 192.0.2.0/24
    #[arg(long, value_name = "ADDRESS")]
    client: Option<String>,
    /// Address of the server, or a network
    #[arg(long, value_name = "ADDRESS")]
    server: Option<String>,
    /// A command, title or other event holds this text
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// Its content shows this: words, "phrases", OR, -not, prefix*
    #[arg(long, short, value_name = "WORDS")]
    content: Option<String>,
    /// Only with an audit trail, or only without
    #[arg(long, value_name = "YES OR NO")]
    trail: Option<YesNo>,
    /// By what they are sorted
    #[arg(long, value_enum, default_value_t = Order::Start)]
    sort: Order,
    /// The other way round: of times the oldest first
    #[arg(long)]
    reverse: bool,
    /// At most so many
    #[arg(long, default_value_t = 20)]
    limit: usize,
    /// Goes on where another page ended
    #[arg(long, value_name = "PLACE")]
    after: Option<String>,
    /// As everywhere.
    #[command(flatten)]
    pub(super) common: Common,
}

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum YesNo {
    /// It is so
    Yes,
    /// It is not
    No,
}

/// By what sessions are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Order {
    /// When they began
    Start,
    /// User at the gateway
    User,
    /// User at the server
    ServerUser,
    /// Server as it was asked for
    Target,
    /// Address of the client
    Client,
    /// Address of the server
    Server,
}

impl SearchArgs {
    /// What is asked for.
    pub(super) fn search(&self) -> SessionSearch {
        let filter = SessionFilter {
            from: self.from,
            until: self.until,
            protocol: self.protocol.clone(),
            connection: self.connection.clone(),
            verdict: self.verdict.clone(),
            indexing: None,
            has_trail: self.trail.map(|wanted| wanted == YesNo::Yes),
            gateway_user: self.user.clone(),
            server_user: self.server_user.clone(),
            target: self.target.clone(),
            client: self.client.clone(),
            server: self.server.clone(),
            text: self.text.clone(),
            content: self.content.clone(),
        };
        let sort = match self.sort {
            Order::Start => SessionOrder::Start,
            Order::User => SessionOrder::GatewayUser,
            Order::ServerUser => SessionOrder::ServerUser,
            Order::Target => SessionOrder::Target,
            Order::Client => SessionOrder::Client,
            Order::Server => SessionOrder::Server,
        };
        SessionSearch {
            filter,
            sort,
            descending: (sort == SessionOrder::Start) != self.reverse,
            limit: self.limit,
            skip: 0,
            cursor: self.after.clone(),
        }
    }
}

/// A moment in milliseconds since 1970.
fn moment(text: &str) -> Result<i64, String> {
    let day = format_description!("[year]-[month]-[day]");
    let minute = format_description!("[year]-[month]-[day]T[hour]:[minute]");
    let at = OffsetDateTime::parse(text, &Rfc3339)
        .or_else(|_| PrimitiveDateTime::parse(text, &minute).map(PrimitiveDateTime::assume_utc))
        .or_else(|_| Date::parse(text, &day).map(|day| day.midnight().assume_utc()))
        .map_err(|_| "this is no time such as 2026-11-01, 2026-11-01T08:00 or 2026-11-01T08:00:00+01:00")?;
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_days_minutes_or_moments() {
        assert_eq!(moment("1970-01-02"), Ok(86_400_000));
        assert_eq!(moment("1970-01-01T00:01"), Ok(60_000));
        assert_eq!(moment("1970-01-01T01:00:00+01:00"), Ok(0));
        for wrong in ["", "yesterday", "2026-13-01", "2026-11-01 08:00"] {
            assert!(moment(wrong).unwrap_err().contains("no time such as"), "{wrong}");
        }
    }
}
