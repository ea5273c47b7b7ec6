//! `cargo xtask licence`: makes a licence file, or shows one.
//!
//! Invariants: no file is ever overwritten; no clock: the first day is an argument. What a licence may hold is decided in
//! the licence crate alone.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use sps_image::day::Day;
use sps_image::keyfile;
use sps_image::keys::{SecretKey, Trust};
use sps_licence::{Feature, Keys, Licence, LimitType, MAX_SIZE, development, table};

/// Makes a licence file, or shows one with --show
///
/// Without --key the licence is signed with the published development licence key, which development firmware alone
/// accepts. Make a key with `cargo xtask keygen`, use its secret here, and give its public half to
/// `build-iso --licence-key`. It must not be the key that firmware is signed with.
#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["out", "show"]))]
pub(crate) struct MakeLicence {
    /// New file for the licence; must not exist
    #[arg(long, value_name = "FILE", requires_all = ["customer", "serial", "limit_type", "limit", "from", "lts"])]
    out: Option<PathBuf>,
    /// Checks and shows this licence instead
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key", "customer", "serial", "limit_type", "limit", "from", "until", "lts", "feature"])]
    show: Option<PathBuf>,
    /// Public key the shown licence must be signed with [default: the development licence key]
    #[arg(long, value_name = "PUB", requires = "show")]
    trust: Option<PathBuf>,
    /// Secret key to sign with [default: the development licence key]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Whom it is for
    #[arg(long, value_name = "NAME")]
    customer: Option<String>,
    /// Its number: letters, digits, dashes
    #[arg(long, value_name = "SERIAL")]
    serial: Option<String>,
    /// What is counted
    #[arg(long, value_name = "TYPE")]
    limit_type: Option<Counted>,
    /// How many there may be
    #[arg(long, value_name = "NUMBER")]
    limit: Option<u32>,
    /// First day, such as 2026-01-01
    #[arg(long, value_name = "DAY")]
    from: Option<Day>,
    /// Last day [default: it does not end]
    #[arg(long, value_name = "DAY")]
    until: Option<Day>,
    /// Major number of an LTS it covers, with the feature releases that follow it; may be given several times
    #[arg(long, value_name = "NUMBER")]
    lts: Vec<u32>,
    /// Licensed feature, such as analytics; may be given several times
    #[arg(long, value_name = "NAME", value_parser = feature)]
    feature: Vec<Feature>,
}

/// What a licence counts, as it is typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Counted {
    /// Different servers that are connected to
    Host,
    /// Sessions at one time
    Session,
}

impl MakeLicence {
    pub(crate) fn run(self) -> Result<()> {
        let text = match &self.show {
            Some(file) => self.shown(file)?,
            None => self.made()?,
        };
        print!("{text}");
        Ok(())
    }

    fn shown(&self, file: &Path) -> Result<String> {
        let keys = match &self.trust {
            Some(path) => Keys::new(Trust::only(keyfile::load_public(path)?), true)?,
            None => Keys::development(),
        };
        let licence = Licence::parse(&read(file)?, &keys).with_context(|| file.display().to_string())?;
        Ok(table(&licence))
    }

    fn made(&self) -> Result<String> {
        let key = self.key()?;
        let licence = self.licence()?;
        let path = self.out.as_deref().context("name the new file with --out")?;
        let text = licence.to_text(&key)?;
        let mut file = fs::File::create_new(path).with_context(|| format!("create {}", path.display()))?;
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .with_context(|| format!("write {}", path.display()))?;
        let mark = if key.public() == development().public() {
            "\nA DEVELOPMENT licence: signed with the published key, accepted by development firmware alone.\n"
        } else {
            ""
        };
        Ok(format!(
            "{}{:<11} {}\n{mark}",
            table(&licence),
            "Path",
            path.display()
        ))
    }

    fn key(&self) -> Result<SecretKey> {
        let Some(path) = &self.key else {
            return Ok(development());
        };
        let key = keyfile::load_secret(path).context("load the licence key")?;
        ensure!(
            !key.public().is_development(),
            "{} is the published development key of firmware: make another with cargo xtask keygen",
            path.display()
        );
        Ok(key)
    }

    fn licence(&self) -> Result<Licence> {
        let (mut lts, mut features) = (self.lts.clone(), self.feature.clone());
        lts.sort_unstable();
        features.sort();
        if let Some(unknown) = features.iter().find(|feature| !feature.is_known()) {
            anyhow::bail!("{unknown} is no feature of this firmware");
        }
        Ok(Licence {
            customer: self
                .customer
                .clone()
                .context("name the customer with --customer")?,
            serial: self.serial.clone().context("give the number with --serial")?,
            limit_type: match self.limit_type.context("say what is counted with --limit-type")? {
                Counted::Host => LimitType::Host,
                Counted::Session => LimitType::Session,
            },
            limit: self.limit.context("give the limit with --limit")?,
            valid_from: self.from.context("give the first day with --from")?,
            valid_until: self.until,
            lts,
            features,
        })
    }
}

fn feature(text: &str) -> Result<Feature, sps_licence::FeatureError> {
    Feature::try_from(text.to_owned())
}

/// A byte more than a licence may have is enough to refuse the file.
fn read(path: &Path) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(MAX_SIZE as u64 + 1).read_to_end(&mut content))
        .with_context(|| format!("read {}", path.display()))?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, FromArgMatches, Parser};

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        licence: MakeLicence,
    }

    fn command(line: &str) -> Result<MakeLicence, clap::Error> {
        let words = std::iter::once("licence").chain(line.split_whitespace());
        let matches = Line::command().try_get_matches_from(words)?;
        Ok(Line::from_arg_matches(&matches)?.licence)
    }

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("sps-licence-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("create a folder");
        folder
    }

    const GOOD: &str = "--customer Example --serial A-1 --limit-type host --limit 500 --from 2026-01-01 \
                        --until 2027-05-31 --lts 7 --lts 6 --feature cluster --feature analytics";

    #[test]
    fn a_licence_is_made_and_shown_and_never_overwritten() {
        let folder = folder("made");
        let file = folder.join("a.licence");
        let line = format!("{GOOD} --out {}", file.display());
        let said = command(&line).expect("a command").made().expect("a licence");
        assert!(said.contains("Features    analytics, cluster") && said.contains("A DEVELOPMENT licence"));
        let shown = command(&format!("--show {}", file.display())).expect("a command");
        let table = shown.shown(&file).expect("the licence");
        assert!(said.starts_with(&table), "{said}\n{table}");
        let before = fs::read(&file).expect("the licence");
        command(&line).expect("a command").made().expect_err("it exists");
        assert_eq!(fs::read(&file).expect("unchanged"), before);
        fs::remove_dir_all(&folder).expect("remove the folder");
    }

    #[test]
    fn a_key_of_its_own_is_shown_with_its_public_half_only() {
        let folder = folder("key");
        let (secret, public, file) = (folder.join("k"), folder.join("k.pub"), folder.join("l"));
        let key = keyfile::generate().expect("a key");
        keyfile::save_secret(&secret, &key).expect("a file");
        keyfile::save_public(&public, &key.public()).expect("a file");
        let line = format!("{GOOD} --key {} --out {}", secret.display(), file.display());
        command(&line).expect("a command").made().expect("a licence");
        let show = |more: &str| {
            let shown = command(&format!("--show {} {more}", file.display())).expect("a command");
            shown.shown(&file)
        };
        show(&format!("--trust {}", public.display())).expect("signed with this key");
        show("").expect_err("not signed with the development licence key");
        let firmware = folder.join("f");
        keyfile::save_secret(&firmware, &SecretKey::development()).expect("a file");
        let line = format!(
            "{GOOD} --key {} --out {}",
            firmware.display(),
            folder.join("x").display()
        );
        command(&line)
            .expect("a command")
            .made()
            .expect_err("the key of firmware");
        fs::remove_dir_all(&folder).expect("remove the folder");
    }

    #[test]
    fn nonsense_is_refused() {
        for (from, to) in [
            ("--limit 500", "--limit 0"),
            ("--limit 500", "--limit -3"),
            ("2026-01-01", "2028-01-01"),
            ("2026-01-01", "yesterday"),
            ("--lts 6", "--lts 7"),
            ("--serial A-1", "--serial Ä"),
            ("--serial A-1", ""),
            ("--lts 7 --lts 6", ""),
            ("cluster", "telepathy"),
            ("cluster", "analytics"),
            ("--limit-type host", "--limit-type moon"),
            ("--from", "--show x --from"),
        ] {
            let folder = folder("nonsense");
            let path = folder.join("l");
            let line = format!("{} --out {}", GOOD.replace(from, to), path.display());
            let made = command(&line).map_err(anyhow::Error::from);
            made.and_then(|command| command.made()).expect_err(to);
            assert!(!path.exists(), "{to}");
            fs::remove_dir_all(&folder).expect("remove the folder");
        }
    }
}
