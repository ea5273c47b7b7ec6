//! What external indexers and the appliance send each other: nothing breaks, what was understood is said in the same bytes, and whatever a host
//! says, the desk gives it no more than one session at a time.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sps_indexer_engine::{
    Conversation, Desk, Frame, Frames, FromAppliance, FromHost, Item, Job, Said, may_index,
};

fuzz_target!(|input: (Vec<u8>, Vec<u8>, String, u8)| {
    let (from_host, from_appliance, text, size) = input;
    let size = usize::from(size).max(1);
    let mut desk = Desk::new("7.1.0");
    let (mut frames, mut conversation, mut worker) = (Frames::default(), Conversation::default(), None);
    'host: for piece in from_host.chunks(size) {
        frames.push(piece);
        loop {
            match frames.next::<FromHost>() {
                Ok(Some(frame)) => {
                    same(&frame);
                    match conversation.heard(frame) {
                        Ok(Said::Hello(hello)) => worker = desk.arrive("one", "192.0.2.1", &hello, 1).ok(),
                        Ok(Said::Wants) => conversation.gave_all(),
                        Ok(_) => {}
                        Err(_) => break 'host,
                    }
                    let item = Item {
                        id: "a".into(),
                        trail: "a.zat".into(),
                        size: 1,
                        needs: Vec::new(),
                    };
                    desk.offer(item);
                    if let Some(worker) = worker
                        && matches!(desk.next(worker, 1), Job::Read(_))
                    {
                        conversation.begin();
                    }
                }
                Ok(None) => break,
                Err(_) => break 'host,
            }
        }
    }
    let mut frames = Frames::default();
    'appliance: for piece in from_appliance.chunks(size) {
        frames.push(piece);
        loop {
            match frames.next::<FromAppliance>() {
                Ok(Some(frame)) => same(&frame),
                Ok(None) => break,
                Err(_) => break 'appliance,
            }
        }
    }
    let _judged = may_index(&text, "7.1.0");
});

/// What is said is heard as it was said.
fn same<F: Frame + PartialEq + std::fmt::Debug>(frame: &F) {
    let mut frames = Frames::default();
    frames.push(&frame.bytes());
    assert_eq!(frames.next::<F>().unwrap().as_ref(), Some(frame));
}
