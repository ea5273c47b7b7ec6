//! `sps trail verify`.

use std::fs::File;
use std::io::{self, Read as _, Write};
use std::path::Path;

use sps_timestamp::Authority;
use sps_trail::{PublicKey, Reader, Report, State};

use super::arguments::VerifyArgs;
use super::judged::{Judged, authority};
use super::reading::{Failure, NOT_WHOLE, PIECE, UNREADABLE, WHOLE};
use super::table::{plain, table, time};

const COLUMNS: [&str; 6] = ["FILE", "SESSION", "STATE", "SEALED UNTIL", "CHUNKS", "SIGNER"];

/// Runs `verify`; the return value is the exit status.
///
/// # Errors
/// When a stream cannot be written.
pub fn verify(arguments: &VerifyArgs, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<u8> {
    let signer = match arguments.signer.load() {
        Ok(signer) => signer,
        Err(failure) => return writeln!(err, "{failure}").map(|()| UNREADABLE),
    };
    let authority = match authority(arguments.timestamp_ca.as_ref()) {
        Ok(authority) => authority,
        Err(failure) => return writeln!(err, "{failure}").map(|()| UNREADABLE),
    };
    let mut said = Vec::new();
    let mut rows = vec![COLUMNS.map(str::to_owned).to_vec()];
    let mut status = WHOLE;
    for file in &arguments.files {
        match judge(file, signer, authority.as_ref()) {
            Ok((report, judged)) => {
                let whole = report.state == State::Complete && judged.wrong().is_none();
                status = status.max(if whole { WHOLE } else { NOT_WHOLE });
                rows.push(row(file, &report, judged.wrong()));
                said.extend(judged.said(file));
            }
            Err(failure) => {
                status = UNREADABLE;
                writeln!(err, "{}", plain(&failure.to_string()))?;
            }
        }
    }
    if rows.len() > 1 {
        out.write_all(table(&rows).as_bytes())?;
    }
    for line in said {
        writeln!(out, "{}", plain(&line))?;
    }
    Ok(status)
}

fn judge<'a>(
    path: &Path,
    signer: Option<PublicKey>,
    authority: Option<&'a Authority>,
) -> Result<(Report, Judged<'a>), Failure> {
    let mut judged = Judged::new(authority);
    let unreadable = |source| Failure::Read {
        path: path.to_owned(),
        source,
    };
    let mut reader = Reader::new(signer);
    let mut file = File::open(path).map_err(unreadable)?;
    let mut piece = vec![0; PIECE];
    loop {
        let length = file.read(&mut piece).map_err(unreadable)?;
        if length == 0 {
            return Ok((reader.report(), judged));
        }
        reader.push(&piece[..length]);
        while let Some(item) = reader.next() {
            judged.item(&item);
        }
    }
}

fn row(file: &Path, report: &Report, wrong: Option<&str>) -> Vec<String> {
    let none = || "-".to_owned();
    let chunks = if report.sealed_chunks == report.chunks {
        report.chunks.to_string()
    } else {
        format!("{}, {} sealed", report.chunks, report.sealed_chunks)
    };
    let state = match (report.state, report.last_at) {
        (state, _) if state.is_good() && wrong.is_some() => wrong.unwrap_or_default().to_owned(),
        (State::Cut { .. }, Some(at)) => {
            format!("{}, {} s into the session", report.state, at / 1_000_000)
        }
        (state, _) => state.to_string(),
    };
    vec![
        plain(&file.display().to_string()),
        report
            .head
            .as_ref()
            .map_or_else(none, |head| head.session.clone()),
        state,
        report.sealed_until.map_or_else(none, time),
        chunks,
        report.signer.map_or_else(none, |signer| signer.to_string()),
    ]
}
