//! User lists: allowed or not by default, and the other way round for those who are named.

use sps_cluster_config::sections::policies::UserList;

/// Whether a list lets in a user who has this name and is in these groups. Somebody without a name is let in by no list.
#[must_use]
pub fn is_listed(list: &UserList, user: Option<&str>, groups: &[String]) -> bool {
    let Some(user) = user else { return false };
    let named = |name: &String| name == user || groups.contains(name);
    list.except.iter().any(named) != list.allow
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allowed_by_default_or_by_name() {
        let list = |allow, names: &[&str]| UserList {
            allow,
            except: names.iter().map(|&name| name.to_owned()).collect(),
        };
        let groups = ["operators".to_owned()];
        let only = list(false, &["alice", "operators"]);
        assert!(is_listed(&only, Some("alice"), &[]));
        assert!(!is_listed(&only, Some("bob"), &[]));
        assert!(is_listed(&only, Some("bob"), &groups));
        assert!(!is_listed(&only, None, &groups));
        let all_but = list(true, &["alice", "operators"]);
        assert!(!is_listed(&all_but, Some("alice"), &[]));
        assert!(is_listed(&all_but, Some("bob"), &[]));
        assert!(!is_listed(&all_but, Some("bob"), &groups));
        assert!(!is_listed(&all_but, None, &[]));
    }
}
