//! Support bundles. Blocking: made on a thread where it may wait; `data` is never touched.

use std::io::{self, Write};
use std::path::PathBuf;

use sps_admin::{BundleTarget, BundleWritten, Context, Failure, Reply, Response};
use sps_support::{Bundle, Roots, Source};

use super::appliance::Appliance;
use super::{firmware, status};
use crate::node::{STATE_FOLDER, now};

/// Bytes of one piece sent to the asker.
const PIECE: usize = 32 * 1024;

/// Makes a bundle and sends it.
pub(super) fn write(own: &Appliance, to: &BundleTarget, context: &Context) -> Reply {
    if *to != BundleTarget::Stream {
        return Err(Failure::refused(
            "a bundle goes to whoever asks: `ssh admin@ADDRESS support-bundle > FILE`, or the boot page in rescue",
        ));
    }
    let bundle = bundle(own);
    let name = bundle.name();
    let mut out = Counted {
        context,
        piece: Vec::with_capacity(PIECE),
        bytes: 0,
    };
    let index = bundle
        .write(&mut out)
        .map_err(|error| Failure::failed(sps_bootlog::causes(&error)))?;
    out.flush().map_err(|error| Failure::failed(error.to_string()))?;
    Ok(Response::Bundle(BundleWritten {
        name,
        bytes: out.bytes,
        places: Vec::new(),
        missing: index.missing(),
    }))
}

/// What is collected: files of `state` and of the kernel, and what the appliance says of itself.
pub(crate) fn bundle(own: &Appliance) -> Bundle {
    let parts = &own.parts;
    let roots = Roots {
        state: parts.firmware.as_ref().map(|_| PathBuf::from(STATE_FOLDER)),
        ..Roots::default()
    };
    let log = parts.log.clone();
    let boot_log = Source::fact("boot.log", move || {
        let lines: Vec<String> = log.after(0).entries.iter().map(ToString::to_string).collect();
        Ok(lines.join("\n").into_bytes())
    });
    let (asked, slots) = (own.clone(), own.clone());
    let status = Source::fact("status.json", move || json(&status::status(&asked)));
    let slots = Source::fact("slots.json", move || match firmware::list(&slots) {
        Ok(Response::Slots(slots)) => json(&slots),
        Ok(_) => Err("no slots were told".into()),
        Err(failure) => Err(failure.to_string()),
    });
    let release = parts.release.as_ref();
    let build = release
        .map(|release| release.build_id.clone())
        .unwrap_or_default();
    Bundle::new(&parts.settings.node().network.host_name, now(), &build, &roots)
        .with_facts([boot_log, status, slots])
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
