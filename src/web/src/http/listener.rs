//! Listening sockets: both address families on one socket, small buffers, no start-up order needed.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use rustix::net::sockopt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::http::error::WebError;
use crate::http::limits::{BACKLOG, SOCKET_BUFFER, UNACKNOWLEDGED};

/// Listens on `address`. The IPv6 wildcard takes IPv4 too, so one socket works before any address is configured;
/// on a kernel without IPv6 it becomes the IPv4 wildcard.
pub(crate) fn listen(address: SocketAddr) -> Result<TcpListener, WebError> {
    let failed = |source| WebError::Listen { address, source };
    match open(address) {
        Err(error) if address.ip().is_unspecified() && no_ipv6(&error) => {
            open(SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port()))).map_err(failed)
        }
        result => result.map_err(failed),
    }
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv6() {
        TcpSocket::new_v6()?
    } else {
        TcpSocket::new_v4()?
    };
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, false)?;
    }
    // A restarted server must get its port back while old connections are in TIME-WAIT.
    socket.set_reuseaddr(true)?;
    // Accepted connections inherit the sizes.
    socket.set_send_buffer_size(SOCKET_BUFFER as u32)?;
    socket.set_recv_buffer_size(SOCKET_BUFFER as u32)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn no_ipv6(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error())
}

/// Sets an accepted connection up: events leave at once, dead peers are given up in time.
pub(crate) fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    sockopt::set_tcp_user_timeout(stream, UNACKNOWLEDGED.as_millis() as u32)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_wildcard_takes_both_families() {
        let listener = listen("[::]:0".parse().unwrap()).unwrap();
        let port = listener.local_addr().unwrap().port();
        for host in ["127.0.0.1", "::1"] {
            let client = TcpStream::connect((host, port)).await.unwrap();
            let (accepted, peer) = listener.accept().await.unwrap();
            assert_eq!(peer.port(), client.local_addr().unwrap().port());
            prepare(&accepted).unwrap();
        }
    }

    #[tokio::test]
    async fn errors_name_the_address_and_the_mend() {
        let first = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let taken = first.local_addr().unwrap();
        let error = listen(taken).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("cannot listen on {taken}: another server has this port; stop it or choose another port")
        );
        // TEST-NET-1 (RFC 5737) is never an address of this machine.
        let error = listen("192.0.2.1:0".parse().unwrap()).unwrap_err().to_string();
        assert_eq!(
            error,
            "cannot listen on 192.0.2.1:0: no interface has this address; configure it first or use [::]"
        );
    }
}
