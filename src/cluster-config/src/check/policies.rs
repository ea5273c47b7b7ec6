//! Policies.

use std::ops::RangeInclusive;

use super::settings::{optional, trust_store};
use super::words::{certificate, minutes, names, port, public_keys, server};
use super::{Checked, offence};
use crate::cluster::Cluster;
use crate::sections::policies::{Policies, Target, TimePolicy};

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
        start(&format!("policies.backup.{name}"), &policy.start)?;
        target(&format!("policies.backup.{name}"), &policy.target)?;
    }
    for (name, policy) in &policies.archive {
        start(&format!("policies.archive.{name}"), &policy.start)?;
        target(&format!("policies.archive.{name}"), &policy.target)?;
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
        for (place, text) in policy.encryption.iter().enumerate() {
            certificate(&format!("{path}.encryption.{place}"), text)?;
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
    }
    Ok(())
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

fn target(path: &str, target: &Target) -> Checked {
    let (Target::Smb { server: name, .. }
    | Target::Nfs { server: name, .. }
    | Target::Rsync { server: name, .. }) = target;
    server(&format!("{path}.target.server"), name)
}
