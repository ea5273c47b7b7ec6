//! Many sessions and an authority that does not answer.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::sync::atomic::{AtomicUsize, Ordering};

use sps_harness::{TimestampAuthority as Tsa, TsaCertificate};
use tokio::sync::Notify;
use tokio::task::yield_now;

use super::*;

/// What answers a request.
type Answering = Box<dyn Fn(&[u8]) -> Result<Vec<u8>, String> + Send + Sync>;

/// Counts who asks at the same time, and answers what it is told to when it is let.
struct Counting {
    asked: AtomicUsize,
    together: AtomicUsize,
    most: AtomicUsize,
    go: Notify,
    answer: Answering,
}

impl Counting {
    fn new(answer: impl Fn(&[u8]) -> Result<Vec<u8>, String> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            asked: AtomicUsize::new(0),
            together: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            go: Notify::new(),
            answer: Box::new(answer),
        })
    }
}

/// Its clients share it.
struct Shared(Arc<Counting>);

impl Carrier for Shared {
    fn post(&self, _: &str, _: &[Vec<u8>], request: Vec<u8>) -> Answer<Result<Vec<u8>, String>> {
        let own = self.0.clone();
        Box::pin(async move {
            own.asked.fetch_add(1, Ordering::SeqCst);
            let now = own.together.fetch_add(1, Ordering::SeqCst) + 1;
            own.most.fetch_max(now, Ordering::SeqCst);
            own.go.notified().await;
            own.together.fetch_sub(1, Ordering::SeqCst);
            let answer = (own.answer)(&request);
            own.go.notify_one();
            answer
        })
    }
}

fn stamping(authorities: &Authorities, tsa: &Tsa) -> Stamping {
    let policy = AuditPolicy {
        timestamp_seconds: Some(60),
        timestamp_authority: Some(TimestampAuthority {
            url: "http://tsa.example/".into(),
            policy: None,
            certificates: vec![tsa.ca().unwrap()],
        }),
        ..AuditPolicy::default()
    };
    authorities.of(&policy).unwrap()
}

#[tokio::test]
async fn many_sessions_ask_four_at_a_time() {
    let tsa = Arc::new(Tsa::new(TsaCertificate::Good).unwrap());
    let answering = tsa.clone();
    let counting = Counting::new(move |request| answering.reply(request).map_err(|it| it.to_string()));
    let authorities = Authorities::new(Arc::new(Shared(counting.clone())));
    let asked: Vec<_> = (0..40)
        .map(|number| {
            let client = stamping(&authorities, &tsa).client;
            tokio::spawn(async move { client.ask([number; 32]).await })
        })
        .collect();
    while counting.together.load(Ordering::SeqCst) < TOGETHER {
        yield_now().await;
    }
    counting.go.notify_one();
    for one in asked {
        one.await.unwrap().unwrap();
    }
    assert_eq!(counting.asked.load(Ordering::SeqCst), 40);
    assert_eq!(counting.most.load(Ordering::SeqCst), TOGETHER);
}

#[tokio::test]
async fn an_authority_that_fails_is_left_alone_by_all_sessions() {
    let tsa = Tsa::new(TsaCertificate::Good).unwrap();
    let counting = Counting::new(|_| Err("it is not there".into()));
    let authorities = Authorities::new(Arc::new(Shared(counting.clone())));
    let asked: Vec<_> = (0..200)
        .map(|number| {
            let client = stamping(&authorities, &tsa).client;
            tokio::spawn(async move { client.ask([number; 32]).await })
        })
        .collect();
    counting.go.notify_one();
    for one in asked {
        assert_eq!(one.await.unwrap(), Err("it is not there".to_owned()));
    }
    assert!(counting.asked.load(Ordering::SeqCst) <= TOGETHER);
    let client = stamping(&authorities, &tsa).client;
    let trouble = client.trouble.lock().unwrap().clone().unwrap();
    assert_eq!(trouble.rest, REST);
}

#[test]
fn a_policy_without_interval_or_authority_wants_nothing() {
    let authorities = Authorities::new(Arc::new(Shared(Counting::new(|_| Err(String::new())))));
    assert!(authorities.of(&AuditPolicy::default()).is_none());
    let earlier = AuditPolicy {
        timestamp_seconds: Some(60),
        ..AuditPolicy::default()
    };
    assert!(authorities.of(&earlier).is_none());
}
