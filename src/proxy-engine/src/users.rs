//! User lists: allowed or not by default, and the other way round for those who are named. User mappings: who may be whom on servers.

use sps_cluster_config::sections::policies::{UserList, UserMapping};

/// Whether a list lets in a user who has this name and is in these groups. Somebody without a name is let in by no list.
#[must_use]
pub fn is_listed(list: &UserList, user: Option<&str>, groups: &[String]) -> bool {
    let Some(user) = user else { return false };
    let named = |name: &String| name == user || groups.contains(name);
    list.except.iter().any(named) != list.allow
}

/// Whether somebody whom the gateway knows by this name and in these groups may log in at servers as `server_user`. One line that names the
/// person is enough; a user whom no line names is for everybody, or for nobody.
#[must_use]
pub fn may_be(mapping: &UserMapping, user: &str, groups: &[String], server_user: &str) -> bool {
    let mut lines = mapping
        .users
        .iter()
        .filter(|line| line.server_user == server_user)
        .peekable();
    if lines.peek().is_none() {
        return mapping.others;
    }
    lines.any(|line| is_among(&line.who, user, groups))
}

/// Whether a name or one of the groups is in a list.
#[must_use]
pub fn is_among(names: &[String], user: &str, groups: &[String]) -> bool {
    names.iter().any(|name| name == user || groups.contains(name))
}

#[cfg(test)]
mod tests {
    use sps_cluster_config::sections::policies::MappedUser;

    use super::*;

    #[test]
    fn who_may_be_whom() {
        let line = |user: &str, who: &[&str]| MappedUser {
            server_user: user.into(),
            who: who.iter().map(|&name| name.to_owned()).collect(),
        };
        let mapping = |others| UserMapping {
            users: vec![
                line("root", &["alice"]),
                line("root", &["operators"]),
                line("oracle", &[]),
            ],
            others,
        };
        let groups = ["operators".to_owned()];
        for others in [false, true] {
            let mapping = mapping(others);
            assert!(may_be(&mapping, "alice", &[], "root"));
            assert!(may_be(&mapping, "bob", &groups, "root"));
            assert!(!may_be(&mapping, "bob", &[], "root"));
            assert!(
                !may_be(&mapping, "root", &[], "root"),
                "the name alone is no right"
            );
            assert!(!may_be(&mapping, "alice", &groups, "oracle"), "for nobody");
            assert_eq!(may_be(&mapping, "bob", &[], "bob"), others);
            assert_eq!(may_be(&mapping, "bob", &[], "ROOT"), others);
        }
    }

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
