//! Words for a client that is not let in, before any key was exchanged: they cost neither of both anything, and every client shows them.
//!
//! SSH has a message for it that may come at once after the version (RFC 4253, 4.2 and 11.1).

use std::io;
use std::time::Duration;

use sps_proxy_engine::Refusal;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tracing::debug;

use crate::algorithms::VERSION;

/// Longest time that a refused client has to take its words.
const WITHIN: Duration = Duration::from_secs(2);
/// Most bytes it may say meanwhile: a version and what it offers for the key exchange.
const SAYS: usize = 16 * 1024;
/// Number of the message.
const DISCONNECT: u8 = 1;
/// Blocks of packets that are not encrypted, and the least padding (RFC 4253, 6).
const BLOCK: usize = 8;
const LEAST_PADDING: usize = 4;

/// Tells a client why it may not come in, and closes.
pub(crate) async fn tell(mut stream: TcpStream, why: Refusal) {
    if let Ok(Err(error)) = timeout(WITHIN, told(&mut stream, why)).await {
        debug!("a client that was refused went before it heard why: {error}");
    }
}

async fn told(stream: &mut TcpStream, why: Refusal) -> io::Result<()> {
    let mut words = format!("{VERSION}\r\n").into_bytes();
    words.extend(disconnect(reason(why), &why.to_string()));
    stream.write_all(&words).await?;
    stream.shutdown().await?;
    // What it says is read: a connection closed over unread bytes takes back what was written.
    let mut said = [0; 1024];
    let mut left = SAYS;
    while left > 0 {
        match stream.read(&mut said).await? {
            0 => break,
            count => left = left.saturating_sub(count),
        }
    }
    Ok(())
}

/// RFC 4253, 11.1.
const fn reason(why: Refusal) -> u32 {
    match why {
        Refusal::Leaving(_) | Refusal::Memory => 7,
        Refusal::Sessions | Refusal::OfOneClient | Refusal::LoggingIn => 12,
    }
}

fn disconnect(reason: u32, words: &str) -> Vec<u8> {
    let mut payload = vec![DISCONNECT];
    payload.extend(reason.to_be_bytes());
    for text in [words, "en"] {
        payload.extend(u32::try_from(text.len()).unwrap_or_default().to_be_bytes());
        payload.extend(text.as_bytes());
    }
    let head = 4 + 1;
    let mut padding = BLOCK - (head + payload.len()) % BLOCK;
    if padding < LEAST_PADDING {
        padding += BLOCK;
    }
    let length = u32::try_from(1 + payload.len() + padding).unwrap_or_default();
    let mut packet = length.to_be_bytes().to_vec();
    packet.push(u8::try_from(padding).unwrap_or_default());
    packet.extend(payload);
    packet.resize(packet.len() + padding, 0);
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packet_is_one_of_ssh_whatever_its_length() {
        for length in 0..40 {
            let words = "x".repeat(length);
            let packet = disconnect(12, &words);
            assert_eq!(packet.len() % BLOCK, 0);
            let told = u32::from_be_bytes(packet[..4].try_into().unwrap());
            assert_eq!(told as usize, packet.len() - 4);
            let padding = usize::from(packet[4]);
            assert!((LEAST_PADDING..=255).contains(&padding));
            let payload = &packet[5..packet.len() - padding];
            assert_eq!(payload[..5], [DISCONNECT, 0, 0, 0, 12]);
            assert_eq!(payload.len(), 1 + 4 + 4 + length + 4 + 2);
        }
    }
}
