//! What is typed.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// Commands about files of audit trails.
#[derive(Clone, Debug, Subcommand)]
pub enum TrailCommand {
    /// Checks audit trails: every byte, chain and signatures
    Verify(VerifyArgs),
    /// Writes what an audit trail holds in another format
    Export(ExportArgs),
    /// Plays an audit trail on this terminal
    Replay(ReplayArgs),
}

/// Checks audit trails: every byte, chain and signatures; needs no key
///
/// Exit status: 0 every trail is whole, 1 one is not, 2 one could not be read.
#[derive(Args, Clone, Debug)]
pub struct VerifyArgs {
    /// The trails
    #[arg(required = true)]
    pub(super) files: Vec<PathBuf>,
    /// Certificates of the CAs that the authorities of timestamps must lead to; one timestamp that does not makes a trail not whole
    /// [default: timestamps are counted, not judged]
    #[arg(long, value_name = "PEM")]
    pub(super) timestamp_ca: Option<PathBuf>,
    #[command(flatten)]
    pub(super) signer: Signer,
}

/// Writes what an audit trail holds in another format
///
/// Exit status: 0 written, 1 written as far as the trail is good, 2 not written.
#[derive(Args, Clone, Debug)]
pub struct ExportArgs {
    /// The trail
    pub(super) file: PathBuf,
    /// What to write
    #[arg(long, value_enum)]
    pub(super) format: Format,
    /// File to write, or folder for timestamps, which must not exist [default: the standard output]
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Which channel, for all but events [default: the first that shows anything]
    #[arg(long, value_name = "NUMBER")]
    pub(super) channel: Option<u32>,
    #[command(flatten)]
    pub(super) keys: Keys,
    #[command(flatten)]
    pub(super) signer: Signer,
}

/// Plays an audit trail on this terminal
///
/// What the server sent goes to the terminal as it was recorded, which should be as large as the recorded one.
/// Exit status: 0 played, 1 played as far as the trail is good, 2 not played.
#[derive(Args, Clone, Debug)]
pub struct ReplayArgs {
    /// The trail
    pub(super) file: PathBuf,
    /// So many times as fast
    #[arg(long, default_value_t = 1.0, value_parser = speed, value_name = "TIMES")]
    pub(super) speed: f64,
    /// Longest pause in which nothing happens, seconds
    #[arg(long, default_value_t = 2.0, value_parser = seconds, value_name = "SECONDS")]
    pub(super) idle: f64,
    /// Which channel [default: the first that shows anything]
    #[arg(long, value_name = "NUMBER")]
    pub(super) channel: Option<u32>,
    #[command(flatten)]
    pub(super) keys: Keys,
    #[command(flatten)]
    pub(super) signer: Signer,
}

/// Formats of exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A recording of one terminal, asciicast v3: for asciinema and its players
    Asciicast,
    /// A page that plays one terminal in any browser, and needs nothing else
    Page,
    /// What stood on one terminal
    Text,
    /// Everything that happened, a JSON object a line
    Events,
    /// Timestamps of authorities, into a folder: 1.tst is a token (RFC 3161), 1.seal what it is about, for openssl ts -verify -token_in
    Timestamps,
}

/// Keys of recipients.
#[derive(Args, Clone, Debug)]
pub(super) struct Keys {
    /// Private key that opens an encrypted trail: PKCS#8, PEM, without a password
    #[arg(long, value_name = "PEM")]
    pub(super) key: Option<PathBuf>,
    /// Private key that opens what was typed, where that is encrypted for others
    #[arg(long, value_name = "PEM")]
    pub(super) upstream_key: Option<PathBuf>,
}

/// Whose signature counts.
#[derive(Args, Clone, Debug)]
pub(super) struct Signer {
    /// Certificate or public key that must have signed [default: whoever the trail names]
    #[arg(long, value_name = "PEM")]
    pub(super) signer: Option<PathBuf>,
}

fn speed(text: &str) -> Result<f64, String> {
    number(text, 0.01, 1000.0)
}

fn seconds(text: &str) -> Result<f64, String> {
    number(text, 0.0, 3600.0)
}

fn number(text: &str, least: f64, most: f64) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "is no number".to_owned())?;
    if (least..=most).contains(&number) {
        Ok(number)
    } else {
        Err(format!("must be {least} to {most}"))
    }
}
