//! Makes firmware images. Deterministic: what goes in decides every byte that comes out.

pub mod bundle;
pub mod esp;
pub mod grub;
pub mod iso;
pub mod seal;
