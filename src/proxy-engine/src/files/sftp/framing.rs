//! Where packets begin and end, and what is in their heads.

use super::SftpError;
use crate::files::wire::Packet;

/// Longest packet but for what is written: OpenSSH takes 256 KiB.
pub(super) const LONGEST: usize = 256 * 1024;
/// Longest packet that writes or brings bytes.
const LONGEST_DATA: usize = 16 << 20;
/// Longest handle (the draft's bound).
pub(super) const LONGEST_HANDLE: usize = 256;
/// The request that writes.
pub(super) const WRITE: u8 = 6;

/// Bytes of a packet, its length among them; 0 when that is not there yet.
pub(super) fn length_of(start: &[u8]) -> Result<usize, SftpError> {
    let Some(length) = Packet(start).u32() else {
        return Ok(0);
    };
    let length = usize::try_from(length).map_err(|_| SftpError::NotSftp)?;
    if (1..=LONGEST_DATA).contains(&length) {
        Ok(length + 4)
    } else {
        Err(SftpError::NotSftp)
    }
}

/// How much of a request must be there before it is judged, and its whole length; none when it is not there.
pub(super) fn head_of_request(start: &[u8]) -> Result<Option<(usize, usize)>, SftpError> {
    let Some(wanted) = wanted(start)? else {
        return Ok(None);
    };
    Ok((start.len() >= wanted).then_some((wanted, length_of(start)?)))
}

/// Bytes that are missing until it can be judged, as far as that is known.
pub(super) fn missing(start: &[u8]) -> Result<Option<usize>, SftpError> {
    Ok(wanted(start)?.map(|wanted| wanted.saturating_sub(start.len())))
}

pub(super) fn wanted(start: &[u8]) -> Result<Option<usize>, SftpError> {
    let whole = length_of(start)?;
    let Some(kind) = start.get(4) else { return Ok(None) };
    if *kind != WRITE {
        return if whole <= LONGEST + 4 {
            Ok(Some(whole))
        } else {
            Err(SftpError::NotSftp)
        };
    }
    // Number, handle, place, length; what is written passes.
    let Some(handle) = start.get(9..13).and_then(|bytes| Packet(bytes).u32()) else {
        return Ok(None);
    };
    let handle = usize::try_from(handle).unwrap_or(usize::MAX);
    let head = 13 + handle.min(LONGEST_HANDLE + 1) + 12;
    if handle <= LONGEST_HANDLE && head <= whole {
        Ok(Some(head))
    } else {
        Err(SftpError::NotSftp)
    }
}

pub(super) fn handle(fields: &mut Packet<'_>) -> Option<Vec<u8>> {
    let handle = fields.bytes()?;
    (handle.len() <= LONGEST_HANDLE).then(|| handle.to_vec())
}

pub(super) fn two(fields: &mut Packet<'_>) -> Option<String> {
    Some(format!("{} to {}", fields.text()?, fields.text()?))
}

/// In the words of the draft.
pub(super) const fn status(code: u32) -> &'static str {
    match code {
        0 => "ok",
        1 => "end of file",
        2 => "no such file",
        3 => "permission denied",
        8 => "operation not supported",
        _ => "failure",
    }
}
