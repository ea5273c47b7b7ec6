//! Whether someone has a connection to an address: the kernel's own table of TCP sockets.

use std::io;
use std::net::Ipv4Addr;

/// States of `include/net/tcp_states.h` in which a person may be at the other end: established, and the first
/// half of the handshake.
const OPEN: [&str; 2] = ["01", "03"];

/// Whether a TCP connection to `address` is open in this network namespace.
///
/// # Errors
/// procfs is not mounted.
pub(crate) fn connection_to(address: Ipv4Addr) -> io::Result<bool> {
    let v4 = std::fs::read_to_string("/proc/thread-self/net/tcp")?;
    let v6 = std::fs::read_to_string("/proc/thread-self/net/tcp6").unwrap_or_default();
    Ok(v4.lines().chain(v6.lines()).any(|line| is_open(line, address)))
}

/// A line of `/proc/net/tcp`: number, local address:port, remote address:port, state; addresses are words of four
/// bytes, hexadecimal, in the byte order of the machine. A server on `[::]` shows IPv4 peers as mapped addresses.
fn is_open(line: &str, address: Ipv4Addr) -> bool {
    let mut fields = line.split_ascii_whitespace();
    let (Some(local), Some(_remote), Some(state)) = (fields.nth(1), fields.next(), fields.next()) else {
        return false;
    };
    let Some((host, _port)) = local.split_once(':') else {
        return false;
    };
    let wanted = format!("{:08X}", u32::from_ne_bytes(address.octets()));
    let mapped = format!("{:08X}", u32::from_ne_bytes([0, 0, 0xff, 0xff]));
    let matches = match host.len() {
        8 => host == wanted,
        32 => host.get(16..24) == Some(&mapped) && host.get(24..) == Some(&wanted),
        _ => false,
    };
    matches && OPEN.contains(&state)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);

    #[test]
    fn open_connections_are_found_in_both_tables() {
        let v4 = "   1: 0101A8C0:01BB 0201A8C0:D431 01 00000000:00000000 00:00000000 00000000 0 0 9 1 0 20 4 30 10 -1";
        let v6 = "   0: 0000000000000000FFFF00000101A8C0:01BB 0000000000000000FFFF00000201A8C0:D431 01 0:0 0:0 0 0 0";
        assert!(is_open(v4, ADDRESS) && is_open(v6, ADDRESS));
    }

    #[test]
    fn listeners_closed_ones_and_other_addresses_do_not_count() {
        for line in [
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
            "   0: 00000000:01BB 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 8 1 0 100 0 0 10 0",
            "   1: 0101A8C0:01BB 0201A8C0:D431 06 00000000:00000000 03:00000EA5 00000000 0 0 0 3 0",
            "   1: 0201A8C0:01BB 0101A8C0:D431 01 00000000:00000000 00:00000000 00000000 0 0 9 1 0 20 4 30 10 -1",
            "",
        ] {
            assert!(!is_open(line, ADDRESS), "{line}");
        }
    }

    #[test]
    fn a_real_connection_is_seen_and_its_end_too() {
        let address = Ipv4Addr::new(127, 83, 80, 83);
        let listener = std::net::TcpListener::bind((address, 0)).unwrap();
        assert!(!connection_to(address).unwrap());
        let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert!(connection_to(address).unwrap());
        drop((client, listener));
    }
}
