//! TLS settings: 1.2 and 1.3 only, forward secrecy and AEAD only.
//!
//! rustls knows no renegotiation, compression, export, CBC or static-RSA suites; what is left is named here, so
//! that an update of the library cannot widen it.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::ServerConfig;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{SupportedCipherSuite, version};

use crate::http::error::WebError;
use crate::http::identity::TlsIdentity;

/// Offered suites in the server's order (RFC 8446; RFC 9325, section 4.2).
const SUITES: [SupportedCipherSuite; 9] = [
    aws_lc_rs::cipher_suite::TLS13_AES_256_GCM_SHA384,
    aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256,
    aws_lc_rs::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
    aws_lc_rs::cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    aws_lc_rs::cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    aws_lc_rs::cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    aws_lc_rs::cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    aws_lc_rs::cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    aws_lc_rs::cipher_suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
];

/// The one protocol spoken over TLS; HTTP/2 is left out (see `DECISION-http-stack.md`).
const ALPN: &[u8] = b"http/1.1";

/// Server settings for `identity`.
pub(crate) fn server_config(identity: &TlsIdentity) -> Result<ServerConfig, WebError> {
    let set_up = |source| WebError::SetUpTls { source };
    let resolver = SingleCertAndKey::from(certified_key(identity)?);
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])
        .map_err(set_up)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    config.alpn_protocols = vec![ALPN.to_vec()];
    // Tickets keep no state per client here and their key rolls by itself.
    config.ticketer = aws_lc_rs::Ticketer::new().map_err(set_up)?;
    Ok(config)
}

/// Certificate and key as the library wants them; refuses a key that does not belong to the certificate.
pub(crate) fn certified_key(identity: &TlsIdentity) -> Result<CertifiedKey, WebError> {
    let chain = vec![identity.certificate().clone()];
    let key = identity.key().clone_key();
    CertifiedKey::from_der(chain, key, &provider()).map_err(|source| WebError::UseIdentity { source })
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        cipher_suites: SUITES.to_vec(),
        ..aws_lc_rs::default_provider()
    })
}
