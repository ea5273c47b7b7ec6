//! An installation that was ordered instead of asked for. Blocking.

use std::fs;

use sps_admin::{Context, Failure, Origin, Update, Updates};
use sps_storage::disks::{self, Scope};
use sps_storage::install;
use sps_storage::unattended::{self, After, Order};
use sps_supervisor::ExitKind;
use tracing::info;

use super::appliance::{Appliance, scratch};
use super::installing::{Told, medium};

/// What came of looking for an order.
pub(crate) enum Ordered {
    /// There is none.
    Nothing,
    /// It was carried out; the machine is to be left like this.
    Leave(ExitKind),
}

/// Finds an order and carries it out.
pub(crate) fn carry_out_order(own: &Appliance) -> Result<Ordered, Failure> {
    let told = |error: &dyn std::error::Error| Failure::refused(sps_bootlog::causes(error));
    let all = disks::list(Scope::Hardware);
    let Some((order, carrier)) = order(&all)? else {
        return Ok(Ordered::Nothing);
    };
    let (firmware, mut media) = medium(own, &all)?;
    media.extend(carrier);
    let surveys: Vec<_> = all.iter().map(install::survey).collect();
    let plan = unattended::choose(&order, &surveys, &media).map_err(|error| told(&error))?;
    info!("installing on {} without a person, as ordered", plan.disk.name);
    let (updates, mut heard) = Updates::channel();
    let listener = std::thread::spawn(move || {
        let mut tenth = 0;
        while let Some(update) = heard.blocking_recv() {
            if let Update::Progress(progress) = update
                && let Some(share) = (progress.done * 10).checked_div(progress.total)
                && share != std::mem::replace(&mut tenth, share)
            {
                info!("{}: {} %", progress.what, share * 10);
            }
        }
    });
    let context = Context {
        origin: Origin::Appliance {
            part: "unattended installation".into(),
        },
        message: String::new(),
        updates,
    };
    let installed = install::install(
        &plan,
        &firmware,
        &own.parts.helpers,
        &scratch("install"),
        &mut Told { context: &context },
    );
    drop(context);
    let _told_everything = listener.join();
    let installed = installed.map_err(|error| told(&error))?;
    info!("version {} is installed on {}", installed.version, installed.disk);
    Ok(match order.after {
        After::Reboot => Ordered::Leave(ExitKind::Reboot),
        After::Poweroff => Ordered::Leave(ExitKind::PowerOff),
    })
}

/// The order and the medium it lies on; the command line comes first.
fn order(all: &[disks::Disk]) -> Result<Option<(Order, Option<String>)>, Failure> {
    let line = fs::read_to_string("/proc/cmdline").unwrap_or_default();
    let typed =
        Order::from_command_line(&line).map_err(|error| Failure::invalid(sps_bootlog::causes(&error)))?;
    if let Some(order) = typed {
        return Ok(Some((order, None)));
    }
    let found = unattended::find(all).map_err(|error| Failure::invalid(sps_bootlog::causes(&error)))?;
    Ok(found.map(|found| (found.order, Some(found.carrier))))
}
