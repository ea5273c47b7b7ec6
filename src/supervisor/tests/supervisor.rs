//! The supervisor with real tasks on a real runtime.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use sps_supervisor::{ExitKind, Service, ServiceContext, Supervisor};
use sps_supervisor_engine::{Escalation, Health, Limits, RestartPolicy, ServiceSpec};
use tokio::runtime::Runtime;

fn spec(name: &'static str) -> ServiceSpec {
    let limits = Limits {
        backoff_first: Duration::from_millis(5),
        stop_within: Duration::from_millis(200),
        ..Limits::default()
    };
    ServiceSpec {
        name,
        restart: RestartPolicy::Always,
        escalation: Escalation::Degrade,
        limits,
    }
}

async fn until_stopped(context: ServiceContext) -> Result<(), sps_supervisor::ServiceError> {
    context.ready();
    context.shutdown.cancelled().await;
    Ok(())
}

#[test]
fn services_stop_in_reverse_order() {
    let runtime = Runtime::new().unwrap();
    let (ended, order) = mpsc::channel();
    let services = ["first", "second"].map(|name| {
        let ended = ended.clone();
        Service::new(spec(name), move |context| {
            let ended = ended.clone();
            async move {
                until_stopped(context).await?;
                ended.send(name)?;
                Ok(())
            }
        })
    });
    let supervisor = Supervisor::new(services.into(), runtime.handle().clone(), None);
    let messenger = supervisor.messenger();
    let stopped = supervisor.run(|health| {
        if health == Health::Healthy {
            messenger.exit(ExitKind::PowerOff, "test");
        }
    });
    assert_eq!(stopped.exit.kind, ExitKind::PowerOff);
    assert_eq!(order.try_iter().collect::<Vec<_>>(), ["second", "first"]);
}

#[test]
fn a_panic_ends_one_service_which_then_comes_back() {
    let runtime = Runtime::new().unwrap();
    let starts = Arc::new(AtomicU32::new(0));
    let counted = starts.clone();
    let panicky = Service::new(spec("panicky"), move |context| {
        let nth = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            assert!(nth > 1, "start {nth} goes wrong");
            until_stopped(context).await
        }
    });
    let supervisor = Supervisor::new(vec![panicky], runtime.handle().clone(), None);
    let messenger = supervisor.messenger();
    let status = supervisor.status();
    let stopped = supervisor.run(|health| {
        if health == Health::Healthy {
            assert_eq!(status.borrow().services[0].failures, 2);
            messenger.exit(ExitKind::Reboot, "test");
        }
    });
    assert_eq!(stopped.exit.reason, "test");
    assert_eq!(starts.load(Ordering::SeqCst), 3);
}

#[test]
fn a_vital_service_that_keeps_failing_reboots() {
    let runtime = Runtime::new().unwrap();
    let limits = Limits {
        failures_allowed: 1,
        ..spec("x").limits
    };
    let vital = ServiceSpec {
        escalation: Escalation::Reboot,
        limits,
        ..spec("vital")
    };
    let service = Service::new(vital, |_context| async { Err("no such device".into()) });
    let stopped = Supervisor::new(vec![service], runtime.handle().clone(), None).run(|_| {});
    assert_eq!(stopped.exit.kind, ExitKind::Reboot);
    assert_eq!(
        stopped.exit.reason,
        "service vital is vital and failed: no such device"
    );
}

#[test]
fn a_service_that_blocks_its_thread_does_not_hold_up_the_stop() {
    let runtime = Runtime::new().unwrap();
    let (release, held) = mpsc::channel::<()>();
    let held = Arc::new(std::sync::Mutex::new(held));
    let stubborn = Service::new(spec("stubborn"), move |context| {
        let held = held.clone();
        async move {
            context.ready();
            // Blocks a worker thread on purpose: only the drop of the sender below ends it.
            let _closed = held.lock().map(|held| held.recv());
            Ok(())
        }
    });
    let supervisor = Supervisor::new(vec![stubborn], runtime.handle().clone(), None);
    let messenger = supervisor.messenger();
    let stopping = thread::spawn(move || {
        supervisor.run(|health| {
            if health == Health::Healthy {
                messenger.exit(ExitKind::PowerOff, "test");
            }
        })
    });
    assert_eq!(stopping.join().unwrap().exit.kind, ExitKind::PowerOff);
    drop(release);
}

#[test]
fn a_service_knows_how_the_machine_leaves_and_gets_time_while_it_shows_that_it_stops() {
    let runtime = Runtime::new().unwrap();
    let (tell, told) = mpsc::channel();
    let service = Service::new(spec("slow"), move |context| {
        let tell = tell.clone();
        async move {
            assert_eq!(context.leaving(), None);
            context.ready();
            context.shutdown.cancelled().await;
            // Three times what it has without a sign of life.
            let mut signs = tokio::time::interval(Duration::from_millis(50));
            for _ in 0..12 {
                signs.tick().await;
                context.alive();
            }
            tell.send(context.leaving())?;
            Ok(())
        }
    });
    let supervisor = Supervisor::new(vec![service], runtime.handle().clone(), None);
    let messenger = supervisor.messenger();
    supervisor.run(|health| {
        if health == Health::Healthy {
            messenger.exit(ExitKind::PowerOff, "test");
        }
    });
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [Some(ExitKind::PowerOff)]);
}
