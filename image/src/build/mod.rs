//! Makes firmware images. Deterministic: what goes in decides every byte that comes out.

pub mod bundle;
pub mod description;
pub mod disk;
pub mod grub;
pub mod initramfs;
pub mod iso;
pub mod menus;
pub mod microcode;
pub mod publish;
pub mod repack;
pub mod rootfs;
pub mod seal;
