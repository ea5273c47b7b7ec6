//! What the appliance gives to people who come by SSH.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use zeroize::Zeroizing;

use crate::files::Files;
use crate::inbox::Inbox;

/// An answer that comes later.
pub type Answer<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Who is logged in, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The name given.
    pub user: String,
    /// The other side of the connection.
    pub from: SocketAddr,
}

/// A terminal: what is typed is read from it, what is shown is written to it.
pub trait Terminal: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Terminal for T {}

/// The terminal of a menu.
pub type MenuStream = Box<dyn Terminal>;

/// Where a command writes its output.
pub type Output = Box<dyn AsyncWrite + Send + Unpin>;

/// The appliance as this service sees it.
pub trait Access: Send + Sync + 'static {
    /// Shown before the login.
    fn banner(&self) -> String;

    /// Whether `user` may come in with `password`. Must take as long for an unknown user as for a wrong password.
    fn password(&self, user: &str, password: Zeroizing<String>, from: SocketAddr) -> Answer<bool>;

    /// Serves the text menu until the person leaves or the stream ends.
    fn menu(&self, login: Login, terminal: MenuStream) -> Answer<()>;

    /// Runs one command line of the appliance's own commands; the answer is its exit status.
    fn command(&self, login: Login, line: String, output: Output) -> Answer<u32>;

    /// The files to be read over SFTP.
    fn files(&self) -> Arc<dyn Files>;

    /// The folder that takes files over SFTP, if there is one.
    fn inbox(&self) -> Option<Arc<dyn Inbox>>;
}
