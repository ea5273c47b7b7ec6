//! What was imported is what was there, whatever interrupts it.

use sps_datastore::Content as _;
use sps_datastore_engine::{Kind, layout};
use sps_metadb::Form;
use sps_sample_store::{Random, session};

use super::*;
use crate::Forms;

fn metadata(folder: &Path, count: u64) -> Vec<SessionRecord> {
    let mut random = Random::new(3);
    let mut records: Vec<_> = (0..count)
        .map(|number| session(number, count, &mut random))
        .collect();
    let mut database = Metadb::create(folder, Form::Split).unwrap();
    database.insert(&records).unwrap();
    records.sort_by_key(|record| std::cmp::Reverse(record.start));
    records
}

#[test]
fn every_session_is_found_before_while_and_after_it_is_imported() {
    let folder = tempfile::tempdir().unwrap();
    let records = metadata(folder.path(), 4_500);
    Forms.adapt(folder.path(), 4, 5).unwrap();
    let quarantine = folder.path().join("quarantine");
    let whole = |message: &str| {
        let catalogue = Forms.catalogue(folder.path(), 5).unwrap();
        assert_eq!(catalogue.count().unwrap(), 4_500, "{message}");
        let newest: Vec<_> = catalogue
            .newest(40)
            .unwrap()
            .into_iter()
            .map(|record| record.id)
            .collect();
        let wanted: Vec<_> = records[..40].iter().map(|record| record.id.clone()).collect();
        assert_eq!(newest, wanted, "{message}");
        assert!(catalogue.has(&records[4_499].id).unwrap(), "{message}");
    };
    whole("before");
    let mut steps = 0;
    loop {
        // Each time as after a restart.
        let sessions = Sessions::open(&folder.path().join(crate::forms::SESSIONS)).unwrap();
        let Some(mut import) = Import::open(folder.path(), &quarantine, &sessions).unwrap() else {
            break;
        };
        let now = import.step(&sessions).unwrap();
        assert_eq!(now.finished, steps == 2);
        drop(sessions);
        steps += 1;
        whole(&format!("after step {steps}"));
    }
    assert_eq!(steps, 3);
    assert!(!quarantine.exists());
}

#[test]
fn trails_are_named_as_they_lie_now() {
    let by_day = layout(5).unwrap().place(Kind::Trails).unwrap();
    assert_eq!(
        by_day.form,
        sps_datastore_engine::Form::Folder(Arrangement::ByDay)
    );
    let mut record = session(1, 2, &mut Random::new(1));
    record.trail = Some(sps_session_record::TrailFile {
        name: "ssh-20240517-1-2.zat".into(),
        size: 1,
    });
    let named = in_place(in_place(record)).trail.unwrap().name;
    assert_eq!(named, "2024/05/17/ssh-20240517-1-2.zat");
}

#[test]
fn a_cursor_is_read_back_and_anything_else_is_the_end() {
    for position in [Position::NEWEST, Position { start: -5, number: 7 }] {
        assert_eq!(decode(&encode(Some(position))), Some(position));
    }
    for end in [encode(None), vec![1], vec![0; 15], vec![0; 17]] {
        assert_eq!(decode(&end), None);
    }
}
