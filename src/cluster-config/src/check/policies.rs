//! Policies.

use std::ops::RangeInclusive;

use super::settings::{optional, trust_store};
use super::words::{certificate, minutes, names, port, public_keys, server};
use super::{Checked, offence};
use crate::cluster::Cluster;
use crate::sections::policies::{Policies, S3, Target, TimePolicy, TimestampAuthority};

/// Days of a time policy.
const DAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];
/// Seconds between timestamps.
const TIMESTAMP: RangeInclusive<u32> = 10..=100_000;
/// Longest URL of an authority of timestamps, bytes.
const LONGEST_URL: usize = 2048;
/// Most certificates of its CAs, and their bytes (`src/timestamp/src/authority.rs`).
const AUTHORITIES: usize = 16;
const AUTHORITIES_BYTES: usize = 64 * 1024;
/// Longest label of an ext4 (`s_volume_name` of its superblock), bytes.
const LABEL: usize = 16;
/// Longest path, prefix or name of a target, bytes.
const LONGEST: usize = 255;

pub(super) fn check(document: &Cluster) -> Checked {
    let policies = &document.policies;
    all_names(policies)?;
    audit(policies)?;
    for (name, policy) in &policies.time {
        time(name, policy)?;
    }
    ldap(document)?;
    for (name, authority) in &policies.signing_cas {
        optional(&format!("policies.signing_cas.{name}"), Some(authority))?;
    }
    for (name, policy) in &policies.backup {
        let path = format!("policies.backup.{name}");
        start(&path, &policy.start)?;
        target(document, &path, &policy.target)?;
    }
    for (name, policy) in &policies.archive {
        let path = format!("policies.archive.{name}");
        start(&path, &policy.start)?;
        let place = policy.target.as_ref();
        place.map_or(Ok(()), |place| target(document, &path, place))?;
    }
    Ok(())
}

fn all_names(policies: &Policies) -> Checked {
    names("policies.audit", &policies.audit)?;
    names("policies.content", &policies.content)?;
    names("policies.time", &policies.time)?;
    names("policies.user_lists", &policies.user_lists)?;
    names("policies.user_databases", &policies.user_databases)?;
    for (database, users) in &policies.user_databases {
        names(&format!("policies.user_databases.{database}"), users)?;
        for (user, value) in users {
            public_keys(
                &format!("policies.user_databases.{database}.{user}.public_keys"),
                &value.public_keys,
            )?;
        }
    }
    names("policies.user_mappings", &policies.user_mappings)?;
    names("policies.credential_stores", &policies.credential_stores)?;
    for (store, value) in &policies.credential_stores {
        names(
            &format!("policies.credential_stores.{store}.accounts"),
            &value.accounts,
        )?;
    }
    names("policies.ldap_servers", &policies.ldap_servers)?;
    names("policies.signing_cas", &policies.signing_cas)?;
    names("policies.indexer", &policies.indexer)?;
    names("policies.backup", &policies.backup)?;
    names("policies.archive", &policies.archive)
}

fn audit(policies: &Policies) -> Checked {
    for (name, policy) in &policies.audit {
        let path = format!("policies.audit.{name}");
        for (name, certificates) in [
            ("encryption", &policy.encryption),
            ("upstream_encryption", &policy.upstream_encryption),
        ] {
            for (place, text) in certificates.iter().enumerate() {
                certificate(&format!("{path}.{name}.{place}"), text)?;
            }
        }
        optional(&format!("{path}.signing"), policy.signing.as_ref())?;
        if let Some(seconds) = policy
            .timestamp_seconds
            .filter(|seconds| !TIMESTAMP.contains(seconds))
        {
            return offence(
                format!("{path}.timestamp_seconds"),
                format!(
                    "{seconds} seconds; give {} to {}",
                    TIMESTAMP.start(),
                    TIMESTAMP.end()
                ),
            );
        }
        if let Some(authority) = &policy.timestamp_authority {
            timestamps(&format!("{path}.timestamp_authority"), authority)?;
        }
    }
    Ok(())
}

/// Bounds and forms; whether the certificates can be used is looked at when they are committed.
fn timestamps(path: &str, authority: &TimestampAuthority) -> Checked {
    let url = &authority.url;
    let host = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    let starts = |host: &str| {
        let name = host.split(['/', '?', '#']).next().unwrap_or_default();
        !name.is_empty() && !name.contains('@')
    };
    if url.len() > LONGEST_URL
        || !url.bytes().all(|byte| byte.is_ascii_graphic())
        || !host.is_some_and(starts)
    {
        return offence(
            format!("{path}.url"),
            format!(
                "{url:?} is no URL of an authority; give one such as https://tsa.example.net/tsr, without a password"
            ),
        );
    }
    if let Some(policy) = authority.policy.as_ref().filter(|policy| !is_oid(policy)) {
        return offence(
            format!("{path}.policy"),
            format!(
                "{policy:?} is no object identifier; give numbers with dots, such as 1.3.6.1.4.1.13762.3"
            ),
        );
    }
    let path = format!("{path}.certificates");
    let size: usize = authority.certificates.iter().map(String::len).sum();
    if authority.certificates.is_empty()
        || authority.certificates.len() > AUTHORITIES
        || size > AUTHORITIES_BYTES
    {
        return offence(
            path,
            format!(
                "{} certificates of {size} bytes; give 1 to {AUTHORITIES} of {AUTHORITIES_BYTES} bytes at most: that of the CA which the \
                 authority's own leads to",
                authority.certificates.len()
            ),
        );
    }
    let mut numbered = authority.certificates.iter().enumerate();
    numbered.try_for_each(|(place, text)| certificate(&format!("{path}.{place}"), text))
}

/// An object identifier (ITU-T X.660): two to thirty-two numbers.
fn is_oid(text: &str) -> bool {
    let arcs: Option<Vec<u32>> = text.split('.').map(|arc| arc.parse().ok()).collect();
    let is_plain =
        |arcs: &[u32]| arcs.first().is_some_and(|first| *first <= 2) && (2..=32).contains(&arcs.len());
    text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && arcs.is_some_and(|arcs| is_plain(&arcs))
}

fn time(name: &str, policy: &TimePolicy) -> Checked {
    for (day, intervals) in &policy.days {
        let path = format!("policies.time.{name}.days.{day}");
        if !DAYS.contains(&day.as_str()) {
            return offence(
                path,
                format!("no day of the week; give one of {}", DAYS.join(", ")),
            );
        }
        for interval in intervals {
            let ends = interval
                .split_once('-')
                .and_then(|(from, to)| Some((minutes(from)?, minutes(to)?)));
            if ends.is_none_or(|(from, to)| from >= to) {
                return offence(
                    path,
                    format!("{interval:?} is no interval; give one such as 08:00-18:00"),
                );
            }
        }
    }
    Ok(())
}

fn ldap(document: &Cluster) -> Checked {
    for (name, ldap) in &document.policies.ldap_servers {
        let path = format!("policies.ldap_servers.{name}");
        for (place, text) in ldap.servers.iter().enumerate() {
            server(&format!("{path}.servers.{place}"), text)?;
        }
        port(&format!("{path}.port"), ldap.port)?;
        if ldap.timeout_seconds == 0 {
            return offence(
                format!("{path}.timeout_seconds"),
                "0 seconds; give at least 120 where users log in by it",
            );
        }
        optional(&format!("{path}.client"), ldap.client.as_ref())?;
        trust_store(
            document,
            &format!("{path}.trust_store"),
            ldap.trust_store.as_ref(),
        )?;
    }
    Ok(())
}

fn start(path: &str, text: &str) -> Checked {
    if minutes(text).is_some() {
        return Ok(());
    }
    offence(
        format!("{path}.start"),
        format!("{text:?} is no time of the day; give one such as 03:00"),
    )
}

fn target(document: &Cluster, path: &str, target: &Target) -> Checked {
    match target {
        Target::Smb { server: name, .. }
        | Target::Nfs { server: name, .. }
        | Target::Rsync { server: name, .. } => server(&format!("{path}.target.server"), name),
        Target::Directory { label, path: folder } => directory(path, label, folder),
        Target::S3(s3) => bucket(document, path, s3),
    }
}

fn directory(path: &str, label: &str, folder: &str) -> Checked {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if label.is_empty() || label.len() > LABEL || !label.bytes().all(plain) || label.starts_with('.') {
        return offence(
            format!("{path}.target.label"),
            format!(
                "{label:?} is no label of a file system; give up to {LABEL} letters, digits, dots, underscores and hyphens"
            ),
        );
    }
    if folder.is_empty() || is_plain_path(folder) {
        return Ok(());
    }
    offence(
        format!("{path}.target.path"),
        format!("{folder:?} is no folder on the disk; give one such as sps/archive, or nothing"),
    )
}

fn bucket(document: &Cluster, path: &str, s3: &S3) -> Checked {
    let path = format!("{path}.target");
    let host = s3
        .endpoint
        .strip_prefix("https://")
        .or_else(|| s3.endpoint.strip_prefix("http://"));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    if !host.is_some_and(|host| !host.is_empty() && host.bytes().all(plain)) {
        return offence(
            format!("{path}.endpoint"),
            format!(
                "{:?} is no URL of a service; give one such as https://s3.example.net, without a path",
                s3.endpoint
            ),
        );
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    for (name, text) in [
        ("region", &s3.region),
        ("bucket", &s3.bucket),
        ("access_key_id", &s3.access_key_id),
    ] {
        if text.is_empty() || text.len() > LONGEST || !text.bytes().all(plain) {
            return offence(
                format!("{path}.{name}"),
                format!("{text:?} has other than letters, digits, dots, hyphens and underscores, or nothing"),
            );
        }
    }
    if !s3.prefix.is_empty() && !is_plain_path(&s3.prefix) {
        return offence(
            format!("{path}.prefix"),
            format!(
                "{:?} is no prefix; give one such as sps/archive, or nothing",
                s3.prefix
            ),
        );
    }
    trust_store(document, &format!("{path}.trust_store"), s3.trust_store.as_ref())
}

/// A relative path that stays below where it begins.
fn is_plain_path(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let part = |part: &str| !part.is_empty() && part != "." && part != ".." && part.bytes().all(plain);
    text.len() <= LONGEST && text.split('/').all(part)
}
