//! Listening sockets: both address families on one socket, small buffers, no start-up order needed.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use rustix::net::sockopt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::error::WebError;
use crate::limits::{BACKLOG, SOCKET_BUFFER, UNACKNOWLEDGED};

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
