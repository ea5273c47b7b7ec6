//! What can go wrong before or while serving.

use std::io;
use std::net::SocketAddr;

/// Failure to set the boot page up. Failures of single connections are not errors of the server.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The address cannot be listened on.
    #[error(
        "cannot listen on {address}: {}",
        match source.kind() {
            io::ErrorKind::AddrInUse => "another server has this port; stop it or choose another port",
            io::ErrorKind::PermissionDenied => "not permitted; ports below 1024 need CAP_NET_BIND_SERVICE",
            io::ErrorKind::AddrNotAvailable => "no interface has this address; configure it first or use [::]",
            _ => "check the address and that the network stack is up",
        }
    )]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the kernel said.
        source: io::Error,
    },
    /// A listener that was handed in cannot be used.
    #[error("cannot take over the listener handed in for {protocol}")]
    AdoptListener {
        /// `HTTP` or `HTTPS`.
        protocol: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// A name cannot stand in a certificate.
    #[error("{name:?} cannot stand in a certificate: use a host name of letters, digits, hyphens and dots")]
    CertificateName {
        /// The name.
        name: String,
    },
    /// The self-signed certificate could not be made.
    #[error("cannot make a self-signed certificate for {host_name:?}")]
    MakeCertificate {
        /// Host name it was for.
        host_name: String,
        /// Reason.
        source: rcgen::Error,
    },
    /// PEM text is not a certificate or key.
    #[error("the stored TLS {what} is not PEM as expected: delete it to have a new one made")]
    ReadPem {
        /// `certificate` or `private key`.
        what: &'static str,
        /// Reason.
        source: rustls::pki_types::pem::Error,
    },
    /// The TLS library refuses the identity.
    #[error("certificate and private key cannot be used together: delete both to have new ones made")]
    UseIdentity {
        /// Reason.
        source: rustls::Error,
    },
    /// The TLS library refuses the settings.
    #[error("cannot set TLS up")]
    SetUpTls {
        /// Reason.
        source: rustls::Error,
    },
}
