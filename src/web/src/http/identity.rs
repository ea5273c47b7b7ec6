//! The server's TLS identity: a self-signed certificate made on the machine, or one that was kept.
//!
//! Clock and storage belong to the caller: the time comes in, PEM goes out.

use std::fmt::{self, Write as _};
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, SanType,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, DnsName, PrivateKeyDer};
use sha2::{Digest, Sha256};

use crate::http::error::WebError;

/// Validity of a certificate made here: the longest that Apple's platforms accept in a server certificate.
const VALIDITY: Duration = Duration::from_secs(825 * DAY);

/// How far validity begins before the time given: administrators' clocks are not all right.
const BACKDATED: Duration = Duration::from_secs(DAY);

const DAY: u64 = 24 * 60 * 60;

/// Longest common name (RFC 5280, upper bound `ub-common-name`).
const COMMON_NAME_BYTES: usize = 64;

/// What the certificate is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerNames {
    /// Host name, the subject's common name.
    pub host_name: String,
    /// Addresses under which the appliance is reached.
    pub addresses: Vec<IpAddr>,
}

/// Certificate and private key.
pub struct TlsIdentity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    certificate_pem: String,
    key_pem: String,
}

impl TlsIdentity {
    /// Makes a new ECDSA P-256 key and a self-signed certificate for `names` (and `localhost`), valid for 825 days
    /// beginning one day before `not_before`, which is the wall clock or the build time, whichever is later.
    ///
    /// # Errors
    /// A name that cannot stand in a certificate; a failing key generator.
    pub fn generate(names: &ServerNames, not_before: SystemTime) -> Result<Self, WebError> {
        let params = params(names, not_before)?;
        let failed = |source| WebError::MakeCertificate {
            host_name: names.host_name.clone(),
            source,
        };
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
        let certificate = params.self_signed(&key).map_err(failed)?;
        Ok(Self {
            certificate: certificate.der().clone(),
            key: PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        })
    }

    /// Reads what [`certificate_pem`](Self::certificate_pem) and [`key_pem`](Self::key_pem) wrote.
    ///
    /// # Errors
    /// Text that is not PEM, or a key that does not belong to the certificate.
    pub fn from_pem(certificate_pem: &str, key_pem: &str) -> Result<Self, WebError> {
        let certificate = CertificateDer::from_pem_slice(certificate_pem.as_bytes()).map_err(|source| {
            WebError::ReadPem {
                what: "certificate",
                source,
            }
        })?;
        let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).map_err(|source| WebError::ReadPem {
            what: "private key",
            source,
        })?;
        let (certificate_pem, key_pem) = (certificate_pem.to_owned(), key_pem.to_owned());
        let identity = Self {
            certificate,
            key,
            certificate_pem,
            key_pem,
        };
        crate::http::tls::certified_key(&identity)?;
        Ok(identity)
    }

    /// The certificate as PEM.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The private key as PEM. Secret: store it readable by root alone, never log it.
    #[must_use]
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// SHA-256 fingerprint of the certificate, as browsers and OpenSSL show it (`AB:CD:…`): what an administrator
    /// compares with the console before trusting the page.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut text = String::new();
        for (n, byte) in Sha256::digest(&self.certificate).iter().enumerate() {
            let colon = if n == 0 { "" } else { ":" };
            // Writing to a String cannot fail.
            let _infallible = write!(text, "{colon}{byte:02X}");
        }
        text
    }

    pub(crate) fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    pub(crate) fn key(&self) -> &PrivateKeyDer<'static> {
        &self.key
    }
}

impl Clone for TlsIdentity {
    fn clone(&self) -> Self {
        Self {
            certificate: self.certificate.clone(),
            key: self.key.clone_key(),
            certificate_pem: self.certificate_pem.clone(),
            key_pem: self.key_pem.clone(),
        }
    }
}

impl fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsIdentity")
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}

fn params(names: &ServerNames, not_before: SystemTime) -> Result<CertificateParams, WebError> {
    let bad_name = || WebError::CertificateName {
        name: names.host_name.clone(),
    };
    DnsName::try_from(names.host_name.as_str()).map_err(|_| bad_name())?;
    let mut dns = vec![names.host_name.to_ascii_lowercase()];
    if dns[0] != "localhost" {
        dns.push("localhost".to_owned());
    }
    let mut params = CertificateParams::new(dns).map_err(|_| bad_name())?;
    params
        .subject_alt_names
        .extend(names.addresses.iter().copied().map(SanType::IpAddress));
    params.distinguished_name = rcgen::DistinguishedName::new();
    let common_name = if names.host_name.len() > COMMON_NAME_BYTES {
        "appliance"
    } else {
        &names.host_name
    };
    params.distinguished_name.push(DnType::CommonName, common_name);
    let begin = not_before.checked_sub(BACKDATED).unwrap_or(not_before);
    params.not_before = begin.into();
    params.not_after = (begin + VALIDITY).into();
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn made(host_name: &str) -> Result<TlsIdentity, WebError> {
        let names = ServerNames {
            host_name: host_name.into(),
            addresses: vec![Ipv4Addr::LOCALHOST.into()],
        };
        TlsIdentity::generate(
            &names,
            SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000),
        )
    }

    #[test]
    fn an_identity_survives_storage() {
        let identity = made("box").unwrap();
        let again = TlsIdentity::from_pem(identity.certificate_pem(), identity.key_pem()).unwrap();
        assert_eq!(again.fingerprint(), identity.fingerprint());
        assert_eq!(identity.fingerprint().len(), 32 * 3 - 1);
        assert_ne!(
            made("box").unwrap().fingerprint(),
            identity.fingerprint(),
            "every machine has its own key"
        );
    }

    #[test]
    fn what_does_not_belong_together_is_refused() {
        let (one, other) = (made("box").unwrap(), made("box").unwrap());
        let error = TlsIdentity::from_pem(one.certificate_pem(), other.key_pem()).unwrap_err();
        assert!(matches!(error, WebError::UseIdentity { .. }), "{error}");
        let error = TlsIdentity::from_pem("nothing", one.key_pem()).unwrap_err();
        assert!(
            matches!(
                error,
                WebError::ReadPem {
                    what: "certificate",
                    ..
                }
            ),
            "{error}"
        );
        let error = TlsIdentity::from_pem(one.certificate_pem(), one.certificate_pem()).unwrap_err();
        assert!(
            matches!(
                error,
                WebError::ReadPem {
                    what: "private key",
                    ..
                }
            ),
            "{error}"
        );
    }

    #[test]
    fn names_that_no_certificate_can_hold_are_refused() {
        for name in ["", "a b", "box..example", "-", "bö", &"a".repeat(64), "box/evil"] {
            let error = made(name).unwrap_err();
            assert!(
                matches!(error, WebError::CertificateName { .. }),
                "{name:?}: {error}"
            );
        }
        let long = format!("{0}.{0}.{0}", "a".repeat(60));
        made(&long).unwrap();
        made("localhost").unwrap();
    }

    #[test]
    fn debug_output_does_not_show_the_key() {
        let identity = made("box").unwrap();
        let shown = format!("{identity:?}");
        assert!(
            shown.contains(&identity.fingerprint()) && !shown.contains("PRIVATE"),
            "{shown}"
        );
    }
}
