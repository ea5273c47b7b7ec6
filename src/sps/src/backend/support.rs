//! Support bundles. Blocking: made on a thread where it may wait; `data` is never touched.

use std::io::{self, Write};
use std::path::PathBuf;

use sps_admin::{BundleTarget, BundleWritten, Context, Failure, Reply, Response, Stick};
use sps_storage::disks::{self, Scope};
use sps_storage::medium;
use sps_support::{Bundle, Roots, Source};

use super::appliance::{Appliance, done};
use super::{cluster, firmware, network, status};
use crate::node::{STATE_FOLDER, now, outline};

/// Bytes of one piece sent to the asker.
const PIECE: usize = 32 * 1024;

/// Makes a bundle and sends it, writes it to a stick, or says how a browser gets it.
pub(super) fn write(own: &Appliance, to: BundleTarget, context: &Context) -> Reply {
    match to {
        BundleTarget::Stream => stream(own, context),
        BundleTarget::Medium { device } => to_stick(own, device),
        BundleTarget::Download => by_browser(own),
    }
}

fn stream(own: &Appliance, context: &Context) -> Reply {
    let bundle = bundle(own);
    let name = bundle.name();
    let mut out = Counted {
        context,
        piece: Vec::with_capacity(PIECE),
        bytes: 0,
    };
    let index = bundle.write(&mut out).map_err(|error| failed(&error))?;
    out.flush().map_err(|error| Failure::failed(error.to_string()))?;
    Ok(Response::Bundle(BundleWritten {
        name,
        bytes: out.bytes,
        places: Vec::new(),
        missing: index.missing(),
    }))
}

fn failed(error: &dyn std::error::Error) -> Failure {
    Failure::failed(sps_bootlog::causes(error))
}

/// The sticks there are.
pub(super) fn sticks() -> Response {
    let view = |stick: medium::Stick| Stick {
        device: stick.device,
        model: stick.model,
        bytes: stick.bytes,
        problem: stick.problem,
    };
    let found = medium::sticks(&disks::list(Scope::Hardware));
    Response::Sticks(found.into_iter().map(view).collect())
}

/// Makes the bundle in memory first: a stick gets all of it or nothing.
fn to_stick(own: &Appliance, device: Option<String>) -> Reply {
    let device = device.map_or_else(only_stick, Ok)?;
    firmware::plain(&device)?;
    let bundle = bundle(own);
    let name = bundle.name();
    let mut bytes = Vec::new();
    let index = bundle.write(&mut bytes).map_err(|error| failed(&error))?;
    let place = medium::write_to_stick(&device, &name, &bytes).map_err(|error| failed(&error))?;
    Ok(Response::Bundle(BundleWritten {
        name,
        bytes: bytes.len() as u64,
        places: vec![format!("on the stick {place}, which can be taken out now")],
        missing: index.missing(),
    }))
}

/// The stick meant when none is named.
fn only_stick() -> Result<String, Failure> {
    let mut usable = medium::sticks(&disks::list(Scope::Hardware));
    usable.retain(|stick| stick.problem.is_none());
    match usable.as_slice() {
        [stick] => Ok(stick.device.clone()),
        [] => Err(Failure::invalid(
            "there is no stick with a FAT file system: plug one in",
        )),
        several => {
            let names: Vec<&str> = several.iter().map(|stick| stick.device.as_str()).collect();
            let text = format!("there are several sticks: name one of {}", names.join(", "));
            Err(Failure::invalid(text))
        }
    }
}

/// Where the boot page is; it offers bundles in rescue alone.
fn by_browser(own: &Appliance) -> Reply {
    if own.parts.rescue.is_none() {
        return Err(Failure::refused(
            "the boot page offers bundles in rescue only: write it to a stick",
        ));
    }
    let interfaces = network::interfaces(own);
    let addresses = interfaces.iter().flat_map(|interface| &interface.addresses);
    let pages = addresses.filter_map(|address| Some(format!("https://{}/", address.split('/').next()?)));
    let pages: Vec<String> = pages.collect();
    if pages.is_empty() {
        return Err(Failure::refused(
            "the appliance has no address yet: see Addresses",
        ));
    }
    Ok(done(format!(
        "open {} in a browser, type the console password below \"Support bundle\" and press the button",
        pages.join(" or ")
    )))
}

/// What is collected: files of `state` and of the kernel, and what the appliance says of itself.
pub(crate) fn bundle(own: &Appliance) -> Bundle {
    let parts = &own.parts;
    let roots = Roots {
        state: own.firmware().map(|_| PathBuf::from(STATE_FOLDER)),
        ..Roots::default()
    };
    let log = parts.log.clone();
    let boot_log = Source::fact("boot.log", move || {
        let lines: Vec<String> = log.after(0).entries.iter().map(ToString::to_string).collect();
        Ok(lines.join("\n").into_bytes())
    });
    let (asked, slots, named) = (own.clone(), own.clone(), own.clone());
    let status = Source::fact("status.json", move || json(&status::status(&asked)));
    let slots = Source::fact("slots.json", move || match firmware::list(&slots) {
        Ok(Response::Slots(slots)) => json(&slots),
        Ok(_) => Err("no slots were told".into()),
        Err(failure) => Err(failure.to_string()),
    });
    let filter = Source::fact("packet-filter.txt", packet_filter);
    // From memory: `data` may hang, and the time for a fact is bounded.
    let cluster = Source::fact("config/cluster.json", move || cluster::anonymous(&named));
    let projection = Source::fact("config/projection.json", outline);
    let release = parts.release.as_ref();
    let build = release
        .map(|release| release.build_id.clone())
        .unwrap_or_default();
    Bundle::new(&parts.settings.node().network.host_name, now(), &build, &roots)
        .with_facts([boot_log, status, slots, filter, cluster, projection])
}

/// What the rules that count have counted.
fn packet_filter() -> Result<Vec<u8>, String> {
    let counters = sps_net::firewall::counters().map_err(|error| sps_bootlog::causes(&error))?;
    let lines: Vec<String> = counters.iter().map(ToString::to_string).collect();
    Ok(lines.join("\n").into_bytes())
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, String> {
    serde_json::to_vec_pretty(value).map_err(|error| error.to_string())
}

/// Sends what is written, piece by piece.
struct Counted<'a> {
    context: &'a Context,
    piece: Vec<u8>,
    bytes: u64,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let take = bytes.len().min(PIECE - self.piece.len());
        self.piece.extend_from_slice(&bytes[..take]);
        if self.piece.len() == PIECE {
            self.flush()?;
        }
        Ok(take)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        self.bytes += piece.len() as u64;
        let sent = self.context.updates.data_blocking(piece);
        sent.map_err(|gone| io::Error::new(io::ErrorKind::BrokenPipe, gone))
    }
}
