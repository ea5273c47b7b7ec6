//! GUIDs as a GPT stores them: the first three fields in little-endian order (UEFI specification, appendix A).

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Bytes of a GUID.
pub const GUID_SIZE: usize = 16;

/// A GUID; its text is the usual one, in lower case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid([u8; GUID_SIZE]);

impl Guid {
    /// No GUID: the type of an unused entry.
    pub const NIL: Self = Self([0; GUID_SIZE]);

    /// The GUID whose text without dashes is this number in hexadecimal.
    #[must_use]
    pub const fn from_u128(number: u128) -> Self {
        let text = number.to_be_bytes();
        Self(swap(text))
    }

    /// A random GUID (RFC 9562, version 4) from sixteen random bytes.
    #[must_use]
    pub const fn from_random(mut bytes: [u8; GUID_SIZE]) -> Self {
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        Self(swap(bytes))
    }

    /// Takes the bytes as they stand in a table.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; GUID_SIZE]) -> Self {
        Self(bytes)
    }

    /// From the bytes in the order of the text, as a file system's superblock has them.
    #[must_use]
    pub const fn from_order_of_text(bytes: [u8; GUID_SIZE]) -> Self {
        Self(swap(bytes))
    }

    /// The bytes in the order of the text.
    #[must_use]
    pub const fn in_order_of_text(self) -> [u8; GUID_SIZE] {
        swap(self.0)
    }

    /// The bytes as they stand in a table.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; GUID_SIZE] {
        self.0
    }
}

/// Between the order of the text and the order in a table; its own inverse.
const fn swap(b: [u8; GUID_SIZE]) -> [u8; GUID_SIZE] {
    [
        b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15],
    ]
}

/// A text is no GUID.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("a GUID has 32 hexadecimal digits in groups of 8, 4, 4, 4 and 12")]
pub struct GuidError;

impl FromStr for Guid {
    type Err = GuidError;

    /// Reads the usual text, in lower or upper case.
    fn from_str(text: &str) -> Result<Self, GuidError> {
        let groups: Vec<usize> = text.split('-').map(str::len).collect();
        let digits: String = text.split('-').collect();
        if groups != [8, 4, 4, 4, 12] || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(GuidError);
        }
        u128::from_str_radix(&digits, 16)
            .map(Self::from_u128)
            .map_err(|_| GuidError)
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in swap(self.0).iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Guid({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_table_have_their_own_orders() {
        let guid = Guid::from_u128(0xc12a7328_f81f_11d2_ba4b_00a0c93ec93b);
        assert_eq!(guid.to_string(), "c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
        assert_eq!(
            guid.to_bytes()[..8],
            [0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11]
        );
        assert_eq!(Guid::from_bytes(guid.to_bytes()), guid);
        assert_eq!(guid.to_string().to_uppercase().parse(), Ok(guid));
        for wrong in [
            "",
            "c12a7328",
            "c12a7328f81f11d2ba4b00a0c93ec93b",
            "+12a7328-f81f-11d2-ba4b-00a0c93ec93b",
        ] {
            assert_eq!(wrong.parse::<Guid>(), Err(GuidError), "{wrong}");
        }
    }

    #[test]
    fn random_guids_say_what_they_are() {
        let text = Guid::from_random([0xff; GUID_SIZE]).to_string();
        assert_eq!(text, "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
