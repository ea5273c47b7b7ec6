//! Whose word counts.

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, TrustAnchor};

use crate::error::AuthorityError;

/// Most certificates of CAs, and most bytes of all of them as they were given.
pub const MAX_CERTIFICATES: usize = 16;
/// Longer chains than this nobody has.
pub const MAX_CERTIFICATE_BYTES: usize = 64 * 1024;

/// The CAs that the certificate of an authority of timestamps must lead to.
#[derive(Clone, Debug)]
pub struct Authority {
    certificates: Vec<CertificateDer<'static>>,
    anchors: Vec<TrustAnchor<'static>>,
}

impl Authority {
    /// Reads certificates in PEM; each text may hold several.
    ///
    /// # Errors
    /// There is none, they are too many or too long, or one cannot be used.
    pub fn from_pem<'a>(texts: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, AuthorityError> {
        let (mut size, mut certificates) = (0_usize, Vec::new());
        for text in texts {
            size = size.saturating_add(text.len());
            if size > MAX_CERTIFICATE_BYTES {
                return Err(AuthorityError::TooLong { size });
            }
            let before = certificates.len();
            for found in CertificateDer::pem_slice_iter(text) {
                let number = certificates.len() + 1;
                certificates.push(found.map_err(|_| AuthorityError::Pem { number })?);
            }
            if certificates.len() == before {
                return Err(AuthorityError::Pem { number: before + 1 });
            }
        }
        Self::new(certificates)
    }

    fn new(certificates: Vec<CertificateDer<'static>>) -> Result<Self, AuthorityError> {
        match certificates.len() {
            0 => return Err(AuthorityError::None),
            1..=MAX_CERTIFICATES => {}
            _ => return Err(AuthorityError::TooMany),
        }
        let mut anchors = Vec::new();
        for (place, certificate) in certificates.iter().enumerate() {
            let anchor = webpki::anchor_from_trusted_cert(certificate);
            let anchor = anchor.map_err(|source| AuthorityError::Certificate {
                number: place + 1,
                source,
            })?;
            anchors.push(anchor.to_owned());
        }
        Ok(Self {
            certificates,
            anchors,
        })
    }

    /// The certificates, DER.
    #[must_use]
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.certificates
    }

    pub(crate) fn anchors(&self) -> &[TrustAnchor<'static>] {
        &self.anchors
    }
}
