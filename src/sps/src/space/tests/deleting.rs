//! What clean-up policies and the end of sessions' time delete, and what they do not.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn clean_up_and_retention_delete_what_is_older_and_nothing_while_the_clock_is_doubted() {
    blocking(|| {
        let lab = Lab::new();
        let running = lab.start(&lab.path("disks"));
        running.set(|document| {
            document.policies.archive.insert("gone".into(), archive(None));
            document.management.session_database.keep_metadata_days = Some(60);
        });
        for (id, days) in [("ssh-1", 100), ("ssh-2", 31), ("ssh-3", 0)] {
            running.record(id, days);
        }
        let (clean_up, retention) = (Work::Archive("gone".into()), Work::Retention);
        // Nobody has looked at the clock yet, and then it has leapt.
        for leapt in [None, Some(now() + 400 * 24 * 3600)] {
            if let Some(to) = leapt {
                running.spare.look_at_clock(now()).unwrap();
                running.spare.look_at_clock(to).unwrap();
                assert!(running.spare.clock_doubted_until().is_some());
            }
            for work in [&clean_up, &retention] {
                let error = running.run(work).unwrap_err();
                assert!(matches!(error, SpaceError::Clock), "{error}");
            }
        }
        assert_eq!(running.trails(), ["ssh-1", "ssh-2", "ssh-3"]);
        // The clock is set back, and goes on for a day.
        let back = now();
        running.spare.look_at_clock(back).unwrap();
        running.spare.look_at_clock(back + 24 * 3600).unwrap();
        // What is deleted is to be forgotten by the index too, and that is not open.
        assert_eq!(running.shown(), ["ssh-1", "ssh-2", "ssh-3"]);
        let index = running.opened.content();
        running.opened.put_content(None);
        let error = running.run(&clean_up).unwrap_err();
        let told = sps_bootlog::causes(&error);
        assert!(told.contains("the index of content is not open"), "{told}");
        running.opened.put_content(index);
        running.run(&clean_up).unwrap();
        assert_eq!(
            (running.trails(), running.shown()),
            (vec!["ssh-3".to_owned()], vec!["ssh-3"])
        );
        let told = running.run(&retention).unwrap();
        assert_eq!(
            told,
            "1 sessions older than 60 days deleted, 1 audit trails with them"
        );
        assert_eq!(running.ids(), ["ssh-2", "ssh-3"]);
        assert!(!lab.path("data/carry/ssh-1").exists());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_to_be_archived_is_not_deleted_before() {
    blocking(|| {
        let lab = Lab::new();
        let running = lab.start(&lab.path("disks"));
        let nas = Target::Nfs {
            server: "nas".into(),
            path: "/b".into(),
        };
        running.set(|document| {
            document.policies.archive.insert("old".into(), archive(Some(nas)));
            document.management.session_database.keep_metadata_days = Some(60);
        });
        running.record("ssh-1", 100);
        running.record("ssh-2", 0);
        running.spare.look_at_clock(now()).unwrap();
        let error = running.run(&Work::Archive("old".into())).unwrap_err();
        assert!(error.to_string().contains("NFS export is not reached"), "{error}");
        let told = running.run(&Work::Retention).unwrap();
        assert!(told.starts_with("0 sessions"), "{told}");
        assert_eq!(running.ids(), ["ssh-1", "ssh-2"]);
        let due = running.spare.policies().unwrap();
        let old = due
            .iter()
            .find(|due| due.work == Work::Archive("old".into()))
            .unwrap();
        assert!(old.next.is_none() && old.problem.is_some());
    })
    .await;
}
