//! Passwords that are kept as hashes: whoever sets one may send the password itself.

use sps_config::{PasswordError, Secret, hash_password};
use thiserror::Error;

use crate::cluster::Cluster;
use crate::protected::Protected;

/// Marks around the kind of a hash, as in `$argon2id$v=19$…` (PHC string format, crypt(5)).
const MARKS: usize = 3;

/// Why a password cannot be set.
#[derive(Debug, Error)]
#[error("{path}: {source}")]
pub struct HashError {
    /// Where it is.
    path: String,
    /// Why.
    source: PasswordError,
}

impl Cluster {
    /// Hashes every password that is another than in the document `before` and is no hash. Takes some ten milliseconds and 19 MiB for
    /// each.
    ///
    /// # Errors
    /// One is too short or too long.
    pub fn hash_passwords(&mut self, before: &Self) -> Result<(), HashError> {
        let (users, old) = (&mut self.users, &before.users);
        let (admin, console) = (&old.admin_password, &old.console_password);
        hash("users.admin_password", &mut users.admin_password, admin.as_ref())?;
        hash(
            "users.console_password",
            &mut users.console_password,
            console.as_ref(),
        )?;
        for (name, user) in &mut users.local {
            let old = old.local.get(name).and_then(|user| user.password.as_ref());
            hash(&format!("users.local.{name}.password"), &mut user.password, old)?;
        }
        let old = &before.policies.user_databases;
        for (database, users) in &mut self.policies.user_databases {
            for (name, user) in users {
                let path = format!("policies.user_databases.{database}.{name}.password");
                let old = old.get(database).and_then(|users| users.get(name));
                let old = old.and_then(|user| user.password.as_ref());
                hash(&path, &mut user.password, old)?;
            }
        }
        Ok(())
    }
}

fn hash(path: &str, password: &mut Option<Protected>, before: Option<&Protected>) -> Result<(), HashError> {
    let new = password
        .as_ref()
        .filter(|new| before != Some(*new) && !is_hash(new));
    let Some(Protected::Known(plain)) = new else {
        return Ok(());
    };
    let hash = hash_password(plain).map_err(|source| HashError {
        path: path.to_owned(),
        source,
    })?;
    *password = Some(hash.into());
    Ok(())
}

fn is_hash(password: &Protected) -> bool {
    let marked =
        |text: &Secret| text.expose().starts_with('$') && text.expose().matches('$').count() >= MARKS;
    password.known().is_none_or(marked)
}

#[cfg(test)]
mod tests {
    use sps_config::verify_password;

    use super::*;
    use crate::sections::users::LocalUser;
    use crate::testing::secret;

    #[test]
    fn a_password_becomes_a_hash_once() {
        let mut document = Cluster::default();
        document.users.admin_password = Some(secret("correct horse"));
        let lost = Some(Protected::Lost("1.x.y".into()));
        document
            .users
            .local
            .insert("ann".into(), LocalUser { password: lost });
        let before = document.users.local.clone();
        document.hash_passwords(&Cluster::default()).unwrap();
        let hash = document.users.admin_password.clone().unwrap();
        let word = Secret::from("correct horse".to_owned());
        assert!(verify_password(&word, hash.known().unwrap()));
        document.hash_passwords(&Cluster::default()).unwrap();
        assert_eq!(document.users.admin_password, Some(hash));
        document.users.admin_password = Some(secret("of another system"));
        let same = document.clone();
        document.hash_passwords(&same).unwrap();
        assert_eq!(document, same, "what is there stays");
        assert_eq!(document.users.local, before);
    }

    #[test]
    fn one_that_is_too_short_is_refused_with_its_path() {
        let mut document = Cluster::default();
        let user = LocalUser {
            password: Some(secret("short")),
        };
        document.users.local.insert("ann".into(), user);
        let error = document
            .hash_passwords(&Cluster::default())
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("users.local.ann.password: the password is too short"),
            "{error}"
        );
    }
}
