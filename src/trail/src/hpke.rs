//! HPKE (RFC 9180), the one mode and suite that trails use: base mode, one message, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256,
//! AES-128-GCM. Whoever has a library for HPKE opens what this seals.

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::agreement::{PrivateKey, UnparsedPublicKey, X25519, agree};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use zeroize::Zeroizing;

/// Bytes of a key of X25519.
pub(crate) const KEY: usize = 32;
/// SubjectPublicKeyInfo of X25519 before the key: RFC 8410, 4.
pub(crate) const SPKI: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00,
];
/// "KEM", DHKEM(X25519, HKDF-SHA256): RFC 9180, 4.1 and 7.1.
const KEM_SUITE: &[u8] = b"KEM\x00\x20";
/// "HPKE", the KEM above, HKDF-SHA256, AES-128-GCM: RFC 9180, 5.1 and 7.
const SUITE: &[u8] = b"HPKE\x00\x20\x00\x01\x00\x01";
/// RFC 9180, 5: the mode without a key of the sender.
const MODE_BASE: u8 = 0;

/// Encrypts `text` in place for `recipient`, its tag appended, with the ephemeral key that belongs to `ephemeral`: the ephemeral's public
/// half.
pub(crate) fn seal(
    recipient: &[u8; KEY],
    ephemeral: &[u8; KEY],
    info: &[u8],
    text: &mut Vec<u8>,
) -> Result<[u8; KEY], Unspecified> {
    let own = PrivateKey::from_private_key(&X25519, ephemeral).map_err(|_| Unspecified)?;
    let public: [u8; KEY] = own
        .compute_public_key()?
        .as_ref()
        .try_into()
        .map_err(|_| Unspecified)?;
    let secret = decapsulate(&own, recipient, &public, recipient)?;
    let (key, nonce) = schedule(&*secret, info)?;
    key.seal_in_place_append_tag(nonce, Aad::empty(), text)?;
    Ok(public)
}

/// Decrypts what [`seal`] made for the owner of `secret`.
pub(crate) fn open(
    secret: &[u8; KEY],
    encapsulated: &[u8; KEY],
    info: &[u8],
    text: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
    let own = PrivateKey::from_private_key(&X25519, secret).map_err(|_| Unspecified)?;
    let public: [u8; KEY] = own
        .compute_public_key()?
        .as_ref()
        .try_into()
        .map_err(|_| Unspecified)?;
    let shared = decapsulate(&own, encapsulated, encapsulated, &public)?;
    let (key, nonce) = schedule(&*shared, info)?;
    let mut text = Zeroizing::new(text.to_vec());
    let length = key.open_in_place(nonce, Aad::empty(), &mut text)?.len();
    text.truncate(length);
    Ok(text)
}

/// The public half of a secret.
pub(crate) fn public(secret: &[u8; KEY]) -> Result<[u8; KEY], Unspecified> {
    let own = PrivateKey::from_private_key(&X25519, secret).map_err(|_| Unspecified)?;
    own.compute_public_key()?
        .as_ref()
        .try_into()
        .map_err(|_| Unspecified)
}

/// The shared secret: RFC 9180, 4.1, `ExtractAndExpand` over the agreement, `enc` and the recipient's key.
fn decapsulate(
    own: &PrivateKey,
    other: &[u8; KEY],
    encapsulated: &[u8; KEY],
    recipient: &[u8; KEY],
) -> Result<Zeroizing<[u8; KEY]>, Unspecified> {
    let other = UnparsedPublicKey::new(&X25519, other);
    agree(own, other, Unspecified, |agreed| {
        let prk = labeled_extract(KEM_SUITE, &[], b"eae_prk", agreed);
        labeled_expand(&prk, KEM_SUITE, b"shared_secret", &[encapsulated, recipient])
    })
}

/// Key and nonce of the one message: RFC 9180, 5.1, without a pre-shared key.
fn schedule(secret: &[u8], info: &[u8]) -> Result<(LessSafeKey, Nonce), Unspecified> {
    let extracted = |label: &[u8], text: &[u8]| {
        let prk = labeled_extract_bytes(SUITE, &[], label, text);
        prk.map(|bytes| bytes.to_vec())
    };
    let context = [
        &[MODE_BASE][..],
        &extracted(b"psk_id_hash", &[])?,
        &extracted(b"info_hash", info)?,
    ]
    .concat();
    let prk = labeled_extract(SUITE, secret, b"secret", &[]);
    let key: Zeroizing<[u8; 16]> = labeled_expand(&prk, SUITE, b"key", &[&context])?;
    let nonce: Zeroizing<[u8; NONCE_LEN]> = labeled_expand(&prk, SUITE, b"base_nonce", &[&context])?;
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &*key)?);
    Ok((key, Nonce::assume_unique_for_key(*nonce)))
}

/// `LabeledExtract`: RFC 9180, 4.
fn labeled_extract(suite: &[u8], salt: &[u8], label: &[u8], text: &[u8]) -> Prk {
    let input = Zeroizing::new([b"HPKE-v1", suite, label, text].concat());
    Salt::new(HKDF_SHA256, salt).extract(&input)
}

/// The same as bytes: HMAC-SHA256 with the salt as key (RFC 5869, 2.2).
fn labeled_extract_bytes(
    suite: &[u8],
    salt: &[u8],
    label: &[u8],
    text: &[u8],
) -> Result<[u8; 32], Unspecified> {
    use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
    let input = [b"HPKE-v1", suite, label, text].concat();
    let tag = sign(&Key::new(HMAC_SHA256, salt), &input);
    tag.as_ref().try_into().map_err(|_| Unspecified)
}

/// `LabeledExpand`: RFC 9180, 4.
fn labeled_expand<const N: usize>(
    prk: &Prk,
    suite: &[u8],
    label: &[u8],
    info: &[&[u8]],
) -> Result<Zeroizing<[u8; N]>, Unspecified> {
    let length = u16::try_from(N).map_err(|_| Unspecified)?.to_be_bytes();
    let mut parts: Vec<&[u8]> = vec![&length, b"HPKE-v1", suite, label];
    parts.extend_from_slice(info);
    let mut out = Zeroizing::new([0; N]);
    prk.expand(&parts, Length(N))?.fill(&mut *out)?;
    Ok(out)
}

/// How many bytes are asked for.
pub(crate) struct Length(pub(crate) usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}
