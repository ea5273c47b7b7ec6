//! DER, read field after field. Nothing is copied.

use x509_cert::der::asn1::{AnyRef, ObjectIdentifier};
use x509_cert::der::{Decode as _, Encode as _, Reader as _, SliceReader, Tag, TagNumber};

/// The fields of something constructed.
pub(crate) struct Fields<'a>(SliceReader<'a>);

/// `[number]`, constructed.
pub(crate) const fn tagged(number: u32) -> Tag {
    Tag::ContextSpecific {
        constructed: true,
        number: TagNumber(number),
    }
}

impl<'a> Fields<'a> {
    /// The fields of one SEQUENCE that is all of `der`.
    pub(crate) fn of(der: &'a [u8]) -> Option<Self> {
        Self::inside(AnyRef::from_der(der).ok()?, Tag::Sequence)
    }

    /// The fields of a value that must have this tag.
    pub(crate) fn inside(value: AnyRef<'a>, tag: Tag) -> Option<Self> {
        let fields = || SliceReader::new(value.value()).ok().map(Self);
        (x509_cert::der::Tagged::tag(&value) == tag)
            .then(fields)
            .flatten()
    }

    /// The next field, with any tag.
    pub(crate) fn any(&mut self) -> Option<AnyRef<'a>> {
        AnyRef::decode(&mut self.0).ok()
    }

    /// The bytes of the next field, tag and length among them.
    pub(crate) fn raw(&mut self) -> Option<&'a [u8]> {
        self.0.tlv_bytes().ok()
    }

    /// What is in the next field, which must have this tag.
    pub(crate) fn value(&mut self, tag: Tag) -> Option<&'a [u8]> {
        self.is_next(tag).then(|| self.any())?.map(AnyRef::value)
    }

    /// The fields of the next field, which must have this tag.
    pub(crate) fn fields(&mut self, tag: Tag) -> Option<Self> {
        Self::inside(self.any()?, tag)
    }

    /// The same where it may be missing.
    pub(crate) fn maybe(&mut self, tag: Tag) -> Option<Option<AnyRef<'a>>> {
        if self.is_next(tag) {
            self.any().map(Some)
        } else {
            Some(None)
        }
    }

    pub(crate) fn oid(&mut self) -> Option<ObjectIdentifier> {
        self.any()?.decode_as().ok()
    }

    /// The object identifier of an AlgorithmIdentifier.
    pub(crate) fn algorithm(&mut self) -> Option<ObjectIdentifier> {
        self.fields(Tag::Sequence)?.oid()
    }

    pub(crate) fn is_next(&self, tag: Tag) -> bool {
        Tag::peek(&self.0).is_ok_and(|next| next == tag)
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.0.is_finished()
    }
}

/// A field as it is written. What is written here is short.
pub(crate) fn written(tag: Tag, value: &[u8]) -> Vec<u8> {
    let field = AnyRef::new(tag, value).and_then(|field| field.to_der());
    field.unwrap_or_default()
}
