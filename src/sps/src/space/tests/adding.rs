//! A backup where sessions are.

use super::*;

fn content(running: &Running, id: &str) -> String {
    let name = format!("2026/01/01/{id}.zat");
    fs::read_to_string(running.opened.place(Kind::Trails).join(name)).unwrap()
}

/// A backup of three sessions, on another appliance.
fn backed_up(disks: &Path) -> String {
    let lab = Lab::new();
    let running = lab.start(disks);
    running.set(|document| {
        document.policies.backup.insert("nightly".into(), backup());
    });
    for id in ["ssh-1", "ssh-2", "ssh-3"] {
        running.record(id, 1);
    }
    running.run(&Work::Backup("nightly".into())).unwrap();
    running.spare.backups("nightly").unwrap().pop().unwrap().1
}

fn restore(running: &Running, name: &str) -> Result<String, SpaceError> {
    let back = running
        .spare
        .restore("nightly", (None, name), None, &mut |_, _| true);
    back.map(|back| back.what)
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_and_trails_that_are_missing_are_added_and_nothing_else_changes() {
    blocking(|| {
        let lab = Lab::new();
        let running = lab.start(&lab.path("disks"));
        let name = backed_up(&lab.path("disks"));
        running.set(|document| {
            document.policies.backup.insert("nightly".into(), backup());
        });
        running.record("ssh-2", 40);
        let own = running.opened.place(Kind::Trails).join("2026/01/01/ssh-2.zat");
        fs::write(&own, "what is here").unwrap();
        let sessions = running.opened.sessions.as_ref().unwrap();
        let before = sessions.get("ssh-2").unwrap();
        let document = running.spare.document().unwrap();
        let told = restore(&running, &name).unwrap();
        assert!(
            told.contains("added 2 sessions and 2 audit trails, 36 bytes; 1 sessions were here already"),
            "{told}"
        );
        assert_eq!(running.ids(), ["ssh-1", "ssh-2", "ssh-3"]);
        assert_eq!(sessions.get("ssh-2").unwrap(), before);
        assert_eq!(fs::read_to_string(&own).unwrap(), "what is here");
        assert_eq!(content(&running, "ssh-1"), "the trail of ssh-1");
        assert_eq!(running.spare.document().unwrap(), document, "settings stay");
        assert!(!lab.path("data/backup-work").exists());
        let again = restore(&running, &name).unwrap();
        assert!(again.contains("added 0 sessions and 0 audit trails"), "{again}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_in_the_place_of_a_trail_stays_and_a_damaged_backup_adds_no_session() {
    blocking(|| {
        let lab = Lab::new();
        let running = lab.start(&lab.path("disks"));
        let name = backed_up(&lab.path("disks"));
        running.set(|document| {
            document.policies.backup.insert("nightly".into(), backup());
        });
        running.record("ssh-9", 1);
        let other = running.opened.place(Kind::Trails).join("2026/01/01/ssh-1.zat");
        fs::write(&other, "another file").unwrap();
        // The content of one trail is damaged where the backup is.
        let mut folders = vec![lab.path("disks/backup/sps/backup")];
        let mut spoilt = None;
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if fs::read(&path).unwrap() == b"the trail of ssh-3" {
                    fs::write(&path, "the trail of ssh-?").unwrap();
                    spoilt = Some(path);
                }
            }
        }
        let error = restore(&running, &name).unwrap_err();
        assert!(error.to_string().contains("ssh-3.zat of the backup"), "{error}");
        assert_eq!(running.ids(), ["ssh-9"]);
        fs::write(spoilt.unwrap(), "the trail of ssh-3").unwrap();
        let told = restore(&running, &name).unwrap();
        assert!(
            told.contains("added 2 sessions") && told.contains("; 1 were left out"),
            "{told}"
        );
        assert_eq!(running.ids(), ["ssh-2", "ssh-3", "ssh-9"]);
        assert_eq!(fs::read_to_string(&other).unwrap(), "another file");
        assert_eq!(content(&running, "ssh-3"), "the trail of ssh-3");
    })
    .await;
}

/// Stopped before each trail and each session in turn, as a power cut would: who is known has the trail, and the next try adds the rest.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_it_is_stopped_at_the_next_try_adds_the_rest() {
    blocking(|| {
        let disks = Lab::new();
        let name = backed_up(&disks.path("disks"));
        for stop in 0.. {
            let lab = Lab::new();
            let running = lab.start(&disks.path("disks"));
            running.set(|document| {
                document.policies.backup.insert("nightly".into(), backup());
            });
            // Where no session is, a backup takes the place of everything.
            running.record("ssh-9", 1);
            let mut asked = 0;
            let mut go_on = |_, _| {
                asked += 1;
                asked <= stop
            };
            let stopped = running.spare.restore("nightly", (None, &name), None, &mut go_on);
            for id in running.ids() {
                assert_eq!(
                    content(&running, &id),
                    format!("the trail of {id}"),
                    "stopped at {stop}"
                );
            }
            if stopped.is_ok() {
                assert_eq!(stop, 6, "three trails and three sessions");
                return;
            }
            drop(running);
            let running = lab.start(&disks.path("disks"));
            restore(&running, &name).unwrap();
            assert_eq!(
                running.ids(),
                ["ssh-1", "ssh-2", "ssh-3", "ssh-9"],
                "stopped at {stop}"
            );
            for id in running.ids() {
                assert_eq!(content(&running, &id), format!("the trail of {id}"));
            }
            assert!(!lab.path("data/backup-work").exists());
        }
    })
    .await;
}
