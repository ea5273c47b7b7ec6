//! What a value is: enough to make a form of it, to read the form, and to describe it to programs.

/// A named value of an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    /// Its key in the document.
    pub(crate) name: &'static str,
    /// What people call it.
    pub(crate) label: &'static str,
    /// What is to be known of it; may be empty.
    pub(crate) hint: &'static str,
    pub(crate) kind: Kind,
}

/// What a value is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// One line.
    Text,
    /// Several lines, such as a certificate.
    Block,
    /// A whole number from one to another.
    Number(u32, u32),
    /// On or off.
    Switch,
    /// One of a closed set: the word of the document, and what people call it.
    Choice(&'static [(&'static str, &'static str)]),
    /// Several of a closed set.
    Choices(&'static [(&'static str, &'static str)]),
    /// The name of an object under this path of the document.
    Reference(&'static str),
    /// A secret of one line.
    Secret,
    /// A secret of several lines, such as a private key.
    SecretBlock,
    /// Texts, one a line.
    Lines,
    /// Texts of several lines each, such as certificates.
    Blocks,
    /// Named values.
    Object(&'static [Field]),
    /// One of several objects, told by its key `kind`.
    Union(&'static [Variant]),
    /// Objects one after the other.
    List(&'static Kind),
    /// Values by names that people give.
    Names(&'static Kind),
    /// It, or nothing.
    Optional(&'static Kind),
}

/// One of several objects.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variant {
    /// Value of its key `kind`.
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) fields: &'static [Field],
}

/// A field.
pub(super) const fn field(name: &'static str, label: &'static str, hint: &'static str, kind: Kind) -> Field {
    Field {
        name,
        label,
        hint,
        kind,
    }
}

/// A field without anything to be known.
pub(super) const fn plain(name: &'static str, label: &'static str, kind: Kind) -> Field {
    field(name, label, "", kind)
}

/// A TCP or UDP port.
pub(super) const PORT: Kind = Kind::Number(1, 65_535);
/// A text or nothing.
pub(super) const MAYBE_TEXT: Kind = Kind::Optional(&Kind::Text);
/// A certificate or nothing.
pub(super) const MAYBE_BLOCK: Kind = Kind::Optional(&Kind::Block);
/// A certificate and its private key.
pub(super) const CREDENTIAL: Kind = Kind::Object(&[
    field(
        "certificate",
        "Certificate",
        "PEM, the chain from the leaf up",
        Kind::Block,
    ),
    field("private_key", "Private key", "PEM", Kind::SecretBlock),
]);
/// The same or nothing.
pub(super) const MAYBE_CREDENTIAL: Kind = Kind::Optional(&CREDENTIAL);
/// A trust store or nothing.
pub(super) const MAYBE_TRUST_STORE: Kind = Kind::Optional(&Kind::Reference("trust_stores"));
