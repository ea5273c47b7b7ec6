//! Local change: signatures of RSA keys by aws-lc, with SHA-256 and SHA-512 alone (RFC 8332). The crate `rsa` is not needed for them; what it
//! does with private keys can be timed (RUSTSEC-2023-0071).

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeyPairComponents};
use aws_lc_rs::signature::{
    RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaEncoding, RsaPublicKeyComponents,
};
use crypto_bigint::{BoxedUint, NonZero};
use ssh_key::private::RsaKeypair;
use ssh_key::public::{KeyData, RsaPublicKey};
use ssh_key::{Algorithm, Error, HashAlg, PublicKey, Signature};
use zeroize::Zeroizing;

/// Fewest bits of a key whose signatures are looked at.
pub(crate) const FEWEST_BITS: u32 = 1024;

/// Bits of the modulus; leading zeros do not count.
pub(crate) fn bits(key: &RsaPublicKey) -> u32 {
    let modulus = key.n().as_positive_bytes().unwrap_or_default();
    let mut significant = modulus.iter().skip_while(|byte| **byte == 0);
    let top = significant.next().map_or(0, |byte| 8 - byte.leading_zeros());
    u32::try_from(significant.count())
        .unwrap_or(u32::MAX / 16)
        .saturating_mul(8)
        .saturating_add(top)
}

/// Verifies a signature of any kind of key.
pub(crate) fn verify(key: &PublicKey, message: &[u8], signature: &Signature) -> signature::Result<()> {
    match key.key_data() {
        KeyData::Rsa(rsa) => verify_rsa(rsa, message, signature),
        _ => signature::Verifier::verify(key, message, signature),
    }
}

fn verify_rsa(key: &RsaPublicKey, message: &[u8], signature: &Signature) -> signature::Result<()> {
    let parameters = match signature.algorithm() {
        Algorithm::Rsa {
            hash: Some(HashAlg::Sha256),
        } => &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        Algorithm::Rsa {
            hash: Some(HashAlg::Sha512),
        } => &RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        // With SHA-1, or not RSA's.
        _ => return Err(signature::Error::new()),
    };
    if bits(key) < FEWEST_BITS {
        return Err(signature::Error::new());
    }
    let public = components(key);
    let length = public.n.len();
    let given = signature.as_bytes();
    // Some leave leading zeros of a signature out (RFC 8332, 5.1, lets them).
    let Some(missing) = length.checked_sub(given.len()) else {
        return Err(signature::Error::new());
    };
    let mut whole = vec![0; missing];
    whole.extend_from_slice(given);
    public
        .verify(parameters, message, &whole)
        .map_err(|_| signature::Error::new())
}

fn components(key: &RsaPublicKey) -> RsaPublicKeyComponents<Vec<u8>> {
    let plain = |bytes: Option<&[u8]>| {
        let bytes = bytes.unwrap_or_default().iter();
        bytes.copied().skip_while(|byte| *byte == 0).collect()
    };
    RsaPublicKeyComponents {
        n: plain(key.n().as_positive_bytes()),
        e: plain(key.e().as_positive_bytes()),
    }
}

/// Signs. Keys of fewer than 2048 bits are refused by aws-lc.
pub(crate) fn sign(pair: &RsaKeypair, hash: Option<HashAlg>, message: &[u8]) -> ssh_key::Result<Signature> {
    let padding: &'static dyn RsaEncoding = match hash {
        Some(HashAlg::Sha256) => &RSA_PKCS1_SHA256,
        Some(HashAlg::Sha512) => &RSA_PKCS1_SHA512,
        _ => {
            return Err(Error::AlgorithmUnsupported {
                algorithm: Algorithm::Rsa { hash },
            });
        }
    };
    let key = key_pair(pair)?;
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(padding, &SystemRandom::new(), message, &mut signature)
        .map_err(|_| Error::Crypto)?;
    Signature::new(Algorithm::Rsa { hash }, signature)
}

/// OpenSSH keeps no exponents of the primes: they are made anew, in constant time.
fn key_pair(pair: &RsaKeypair) -> ssh_key::Result<KeyPair> {
    let private = pair.private();
    let bytes = |number: &ssh_key::Mpint| {
        let bytes = number.as_positive_bytes().ok_or(Error::FormatEncoding)?;
        Ok::<_, Error>(Zeroizing::new(bytes.to_vec()))
    };
    let (d, p, q) = (bytes(private.d())?, bytes(private.p())?, bytes(private.q())?);
    let parts = KeyPairComponents {
        public_key: components(pair.public()),
        dP: exponent(&d, &p)?,
        dQ: exponent(&d, &q)?,
        qInv: bytes(private.iqmp())?,
        d,
        p,
        q,
    };
    KeyPair::from_components(&parts).map_err(|_| Error::Crypto)
}

/// `d mod (prime - 1)`
fn exponent(d: &[u8], prime: &[u8]) -> ssh_key::Result<Zeroizing<Vec<u8>>> {
    let number = |bytes: &[u8]| {
        let bits = u32::try_from(bytes.len().saturating_mul(8)).map_err(|_| Error::FormatEncoding)?;
        BoxedUint::from_be_slice(bytes, bits).map(Zeroizing::new).map_err(|_| Error::FormatEncoding)
    };
    let (d, prime) = (number(d)?, number(prime)?);
    let less = Zeroizing::new(prime.wrapping_sub(&BoxedUint::one()));
    let less = Option::<NonZero<BoxedUint>>::from(NonZero::new((*less).clone())).ok_or(Error::FormatEncoding)?;
    let rest = Zeroizing::new(d.rem(&less));
    Ok(Zeroizing::new(rest.to_be_bytes().to_vec()))
}
