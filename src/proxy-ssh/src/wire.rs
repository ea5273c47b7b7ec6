//! The bytes of one leg, read with as few calls as a packet needs.
//!
//! An SSH packet is read in two steps, its length and the rest. Straight from a socket that is three calls to the kernel for a key stroke (the
//! last says that nothing is left); through a small buffer it is one, and a large packet still goes past the buffer.

use std::sync::Arc;

use tokio::io::{BufReader, Join, join};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use crate::gate::{Gate, Gated};

/// Bytes of the buffer: packets of terminals fit, and two thousand sessions that wait take 16 MiB.
const BUFFER: usize = 4096;

/// A socket for [`russh`].
pub(crate) type Wire = Join<BufReader<Gated<OwnedReadHalf>>, OwnedWriteHalf>;

/// A socket whose reads are buffered, and wait while the gate is closed.
pub(crate) fn wire(stream: TcpStream, gate: &Arc<Gate>) -> Wire {
    let (read, write) = stream.into_split();
    join(
        BufReader::with_capacity(BUFFER, Gated::new(read, gate.clone())),
        write,
    )
}
