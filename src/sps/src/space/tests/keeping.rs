//! How many backups a policy keeps.

use super::*;

/// Makes backups at moments of their own: their names tell seconds.
fn make(running: &Running, lab: &Lab, names: &[&str]) {
    for name in names {
        running.run(&Work::Backup("nightly".into())).unwrap();
        let (appliance, made) = running.spare.backups("nightly").unwrap().pop().unwrap();
        let folder = lab
            .path("disks/backup/sps/backup")
            .join(appliance)
            .join("manifests");
        let path = |name: &str| folder.join(format!("{name}.manifest"));
        fs::rename(path(&made), path(name)).unwrap();
    }
}

fn names(running: &Running) -> Vec<String> {
    let found = running.spare.backups("nightly").unwrap();
    found.into_iter().map(|(_, name)| name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_keeps_so_many_backups_of_this_cluster_and_says_which_are_gone() {
    blocking(|| {
        let lab = Lab::new();
        let running = lab.start(&lab.path("disks"));
        running.set(|document| {
            document.policies.backup.insert("nightly".into(), backup());
        });
        running.record("ssh-1", 1);
        // Of another cluster with the same name and password: it has another key.
        let other = Lab::new();
        let stranger = other.start(&lab.path("disks"));
        stranger.set(|document| {
            document.policies.backup.insert("nightly".into(), backup());
        });
        make(&stranger, &lab, &["20200101T000000Z"]);
        make(
            &running,
            &lab,
            &["20210101T000000Z", "20220101T000000Z", "20230101T000000Z"],
        );
        assert_eq!(
            names(&running).len(),
            4,
            "a policy keeps all that nobody asks to remove"
        );
        running.set(|document| {
            let policy = document.policies.backup.get_mut("nightly").unwrap();
            policy.keep = std::num::NonZeroU32::new(2);
        });
        let told = running.run(&Work::Backup("nightly".into())).unwrap();
        assert!(
            told.contains("old backups removed: 20210101T000000Z, 20220101T000000Z, with "),
            "{told}"
        );
        assert!(
            told.ends_with("not of this cluster and password: 20200101T000000Z"),
            "{told}"
        );
        let left = names(&running);
        assert_eq!(
            (left.len(), &*left[0], &*left[1]),
            (3, "20200101T000000Z", "20230101T000000Z")
        );
        let shown = running.spare.policies().unwrap();
        assert_eq!(
            shown[0].last.as_ref().unwrap().what,
            told,
            "it stands where the run is shown"
        );
        // What is left comes back, that of the other cluster too.
        for name in &left[..2] {
            let back = Lab::new();
            let empty = back.start(&lab.path("disks"));
            empty.set(|document| {
                document.policies.backup.insert("nightly".into(), backup());
            });
            let wanted = (None, name.as_str());
            empty
                .spare
                .restore("nightly", wanted, None, &mut |_, _| true)
                .unwrap();
        }
    })
    .await;
}
