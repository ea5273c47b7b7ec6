//! The keys of a trail: drawn, wrapped for its recipients, and opened by one of them.

use std::fmt;

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use x509_cert::der::asn1::{AnyRef, ObjectIdentifier};
use x509_cert::der::{Decode as _, Reader as _, SliceReader};
use zeroize::{Zeroize, Zeroizing};

use crate::error::{KeyError, TrailError};
use crate::head_codec::FullHead;
use crate::hpke::{self, Length};
use crate::recipient::{HPKE, MAX_RECIPIENTS, RSA_OAEP, Recipient, Recipients};
use crate::record::{Stream, sha256};

/// Bytes of a key of AES-128-GCM.
const KEY: usize = 16;
/// Bits of [`Wrapped::streams`].
const DOWNSTREAM: u8 = 1;
const UPSTREAM: u8 = 2;
/// RFC 8410, 3.
const OID_X25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.110");

/// 32 random bytes, from which every secret of one trail is derived (HKDF-SHA256). Never use the same for two.
pub struct Seed([u8; 32]);

impl Seed {
    /// Takes bytes that nobody can guess.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    fn derive<const N: usize>(&self, purpose: &[u8], number: u8) -> Result<Zeroizing<[u8; N]>, TrailError> {
        let failed = |_| TrailError::Cryptography {
            operation: "derive a key",
        };
        let prk: Prk = Salt::new(HKDF_SHA256, b"sps trail 1").extract(&self.0);
        let mut out = Zeroizing::new([0; N]);
        let info = [purpose, &[number]];
        let derived = prk.expand(&info, Length(N)).map_err(failed)?;
        derived.fill(&mut *out).map_err(failed)?;
        Ok(out)
    }
}

impl Drop for Seed {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed")
    }
}

/// A key of a trail as it stands in the head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrapped {
    /// Which keys: 1 downstream, 2 upstream, in this order.
    pub(crate) streams: u8,
    /// How it is wrapped.
    pub(crate) way: u8,
    /// SHA-256 of the recipient's public key.
    pub(crate) fingerprint: [u8; 32],
    /// Subject of the recipient's certificate.
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// Keys of both streams.
pub(crate) struct StreamKeys {
    downstream: Option<LessSafeKey>,
    upstream: Option<LessSafeKey>,
}

impl fmt::Debug for StreamKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamKeys")
    }
}

impl StreamKeys {
    pub(crate) const fn of(&self, stream: Stream) -> Option<&LessSafeKey> {
        match stream {
            Stream::Downstream => self.downstream.as_ref(),
            Stream::Upstream => self.upstream.as_ref(),
        }
    }
}

/// Draws the keys and wraps them; none when nobody is named.
pub(crate) fn draw(
    seed: &Seed,
    recipients: &Recipients,
    session: &str,
) -> Result<(Option<StreamKeys>, Vec<Wrapped>), TrailError> {
    if recipients.downstream.is_empty() {
        let typed = !recipients.upstream.is_empty();
        return if typed {
            Err(TrailError::NobodyReadsOutput)
        } else {
            Ok((None, Vec::new()))
        };
    }
    let who = readers(recipients);
    if who.len() > MAX_RECIPIENTS {
        return Err(TrailError::TooManyRecipients {
            count: who.len(),
            most: MAX_RECIPIENTS,
        });
    }
    let downstream = seed.derive::<KEY>(b"downstream", 0)?;
    let upstream = seed.derive::<KEY>(b"upstream", 0)?;
    let mut wrapped = Vec::new();
    for (number, (recipient, streams)) in (0_u8..).zip(&who) {
        let mut secret = Zeroizing::new(Vec::with_capacity(2 * KEY));
        if streams & DOWNSTREAM != 0 {
            secret.extend_from_slice(&*downstream);
        }
        if streams & UPSTREAM != 0 {
            secret.extend_from_slice(&*upstream);
        }
        let ephemeral = seed.derive(b"ephemeral", number)?;
        let (way, bytes) = recipient.wrap(&secret, &about(*streams, session), &ephemeral)?;
        wrapped.push(Wrapped {
            streams: *streams,
            way,
            fingerprint: recipient.fingerprint(),
            name: recipient.name().to_owned(),
            bytes,
        });
    }
    let keys = StreamKeys {
        downstream: Some(cipher(&*downstream)?),
        upstream: Some(cipher(&*upstream)?),
    };
    Ok((Some(keys), wrapped))
}

/// Everybody once, with what they may read.
fn readers(recipients: &Recipients) -> Vec<(&Recipient, u8)> {
    let alone = recipients.upstream.is_empty();
    let shown = if alone { DOWNSTREAM | UPSTREAM } else { DOWNSTREAM };
    let named = recipients.downstream.iter().map(|recipient| (recipient, shown));
    let typed = recipients.upstream.iter().map(|recipient| (recipient, UPSTREAM));
    let screen = recipients.screen.iter().map(|recipient| (recipient, DOWNSTREAM));
    let mut who: Vec<(&Recipient, u8)> = Vec::new();
    for (recipient, streams) in named.chain(typed).chain(screen) {
        let same = who
            .iter_mut()
            .find(|(known, _)| known.fingerprint() == recipient.fingerprint());
        match same {
            Some((_, known)) => *known |= streams,
            None => who.push((recipient, streams)),
        }
    }
    who
}

/// What a key is wrapped about: HPKE's `info`, the label of OAEP.
fn about(streams: u8, session: &str) -> Vec<u8> {
    [b"sps trail key 1\0", &[streams][..], session.as_bytes()].concat()
}

fn cipher(key: &[u8]) -> Result<LessSafeKey, TrailError> {
    let key = UnboundKey::new(&AES_128_GCM, key);
    let failed = |_| TrailError::Cryptography {
        operation: "take a key",
    };
    Ok(LessSafeKey::new(key.map_err(failed)?))
}

/// The nonce of a record: its number, which no other record of the trail has.
pub(crate) fn nonce(sequence: u64) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    bytes[4..].copy_from_slice(&sequence.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}

/// The private key of a recipient.
pub struct PrivateKey {
    fingerprint: [u8; 32],
    key: Private,
}

enum Private {
    X25519(Zeroizing<[u8; hpke::KEY]>),
    Rsa(OaepPrivateDecryptingKey),
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey")
    }
}

impl PrivateKey {
    /// From PKCS#8 in PEM, not encrypted.
    ///
    /// # Errors
    /// [`KeyError::Unusable`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        let locked = b"BEGIN ENCRYPTED PRIVATE KEY";
        if pem.windows(locked.len()).any(|window| window == locked) {
            return Err(unusable(
                "it has a password: take that off with `openssl pkey -in KEY -out PLAIN`",
            ));
        }
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|_| {
            unusable(
                "it is no PKCS#8 in PEM (BEGIN PRIVATE KEY): `openssl pkey -in KEY -out NEW` makes it one",
            )
        })?;
        let der = Zeroizing::new(der.secret_pkcs8_der().to_vec());
        if let Some(secret) = x25519(&der) {
            return Self::x25519(secret);
        }
        let key = PrivateDecryptingKey::from_pkcs8(&der)
            .map_err(|_| unusable("it must be of X25519, or of RSA with 2048 to 8192 bits"))?;
        let broken = |_| unusable("the library of cryptography refuses it");
        let spki: PublicKeyX509Der<'_> = key.public_key().as_der().map_err(broken)?;
        let fingerprint = sha256(&[spki.as_ref()]);
        let key = OaepPrivateDecryptingKey::new(key).map_err(broken)?;
        Ok(Self {
            fingerprint,
            key: Private::Rsa(key),
        })
    }

    /// SHA-256 of its public key, as SubjectPublicKeyInfo: what [`Recipient::fingerprint`] is of its certificate.
    #[must_use]
    pub const fn fingerprint(&self) -> [u8; 32] {
        self.fingerprint
    }

    fn x25519(secret: Zeroizing<[u8; hpke::KEY]>) -> Result<Self, KeyError> {
        let public = hpke::public(&secret).map_err(|_| unusable("the library of cryptography refuses it"))?;
        Ok(Self {
            fingerprint: sha256(&[&hpke::SPKI, &public]),
            key: Private::X25519(secret),
        })
    }

    fn unwrap(&self, wrapped: &Wrapped, info: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        match (&self.key, wrapped.way) {
            (Private::X25519(secret), HPKE) => {
                let (encapsulated, text) = wrapped.bytes.split_first_chunk()?;
                hpke::open(secret, encapsulated, info, text).ok()
            }
            (Private::Rsa(key), RSA_OAEP) => {
                let mut out = Zeroizing::new(vec![0; key.min_output_size()]);
                let opened = key.decrypt(&OAEP_SHA256_MGF1SHA256, &wrapped.bytes, &mut out, Some(info));
                let length = opened.ok()?.len();
                out.truncate(length);
                Some(out)
            }
            _ => None,
        }
    }
}

/// The key in `OneAsymmetricKey` (RFC 5958, RFC 8410, 7); none when it is another.
fn x25519(der: &[u8]) -> Option<Zeroizing<[u8; hpke::KEY]>> {
    let outer = AnyRef::from_der(der).ok()?;
    let mut fields = SliceReader::new(outer.value()).ok()?;
    let _version = AnyRef::decode(&mut fields).ok()?;
    let algorithm = AnyRef::decode(&mut fields).ok()?;
    let key = AnyRef::decode(&mut fields).ok()?;
    let _attributes = fields.remaining_len();
    let mut parts = SliceReader::new(algorithm.value()).ok()?;
    let oid = ObjectIdentifier::decode(&mut parts).ok()?;
    let inner = AnyRef::from_der(key.value()).ok()?;
    let secret: [u8; hpke::KEY] = inner.value().try_into().ok()?;
    (oid == OID_X25519).then(|| Zeroizing::new(secret))
}

const fn unusable(problem: &'static str) -> KeyError {
    KeyError::Unusable { problem }
}

/// Opens the chunks of one trail.
#[derive(Debug)]
pub struct Opener {
    /// None: the trail is not encrypted.
    keys: Option<StreamKeys>,
    recipients: [String; 2],
}

impl Opener {
    /// With private keys, of which those of recipients may open one stream or both; none for a trail that is not encrypted.
    ///
    /// # Errors
    /// None of the keys is that of a recipient, or one does not open.
    pub(crate) fn new(full: &FullHead, keys: &[PrivateKey]) -> Result<Self, KeyError> {
        let recipients = [names(full, DOWNSTREAM), names(full, UPSTREAM)];
        if full.wrapped.is_empty() {
            return Ok(Self {
                keys: None,
                recipients,
            });
        }
        let mut open = StreamKeys {
            downstream: None,
            upstream: None,
        };
        let wrapped_for = |key: &PrivateKey| {
            let mut wrapped = full.wrapped.iter();
            wrapped.find(|wrapped| wrapped.fingerprint == key.fingerprint)
        };
        if !keys.is_empty() && keys.iter().all(|key| wrapped_for(key).is_none()) {
            return Err(KeyError::NotForThisKey {
                recipients: names(full, DOWNSTREAM | UPSTREAM),
            });
        }
        for key in keys {
            let Some(wrapped) = wrapped_for(key) else {
                continue;
            };
            let secret = key.unwrap(wrapped, &about(wrapped.streams, &full.head.session));
            let damaged = || KeyError::Wrapped {
                recipient: wrapped.name.clone(),
            };
            take(&mut open, wrapped.streams, &secret.ok_or_else(damaged)?).ok_or_else(damaged)?;
        }
        Ok(Self {
            keys: Some(open),
            recipients,
        })
    }

    /// Whether events of this stream can be read.
    #[must_use]
    pub fn opens(&self, stream: Stream) -> bool {
        self.keys.as_ref().is_none_or(|keys| keys.of(stream).is_some())
    }

    /// Decrypts the body of a record; `header` is authenticated with it.
    pub(crate) fn open(
        &self,
        stream: Stream,
        sequence: u64,
        header: &[u8],
        body: &mut Vec<u8>,
    ) -> Result<(), KeyError> {
        let key = self.keys.as_ref().and_then(|keys| keys.of(stream));
        let (what, place) = match stream {
            Stream::Downstream => ("shown", 0),
            Stream::Upstream => ("typed", 1),
        };
        let key = key.ok_or_else(|| KeyError::Locked {
            what,
            recipients: self.recipients[place].clone(),
        })?;
        let opened = key.open_in_place(nonce(sequence), Aad::from(header), body);
        let length = opened.map_err(|_| KeyError::Chunk { sequence })?.len();
        body.truncate(length);
        Ok(())
    }
}

fn take(open: &mut StreamKeys, streams: u8, secret: &[u8]) -> Option<()> {
    let mut parts = secret.chunks(KEY);
    if streams & DOWNSTREAM != 0 {
        open.downstream = Some(cipher(parts.next()?).ok()?);
    }
    if streams & UPSTREAM != 0 {
        open.upstream = Some(cipher(parts.next()?).ok()?);
    }
    parts.next().is_none().then_some(())
}

/// Fingerprints of those who may read a stream; empty when it is not encrypted.
pub(crate) fn fingerprints(full: &FullHead, stream: Stream) -> Vec<[u8; 32]> {
    let bit = match stream {
        Stream::Downstream => DOWNSTREAM,
        Stream::Upstream => UPSTREAM,
    };
    let named = full.wrapped.iter().filter(|wrapped| wrapped.streams & bit != 0);
    named.map(|wrapped| wrapped.fingerprint).collect()
}

fn names(full: &FullHead, streams: u8) -> String {
    let named = full
        .wrapped
        .iter()
        .filter(|wrapped| wrapped.streams & streams != 0);
    named
        .map(|wrapped| wrapped.name.as_str())
        .collect::<Vec<_>>()
        .join("; ")
}
