//! What GRUB reads as text: the menu of the medium, the boot of a disk, the kernel's arguments of a slot.
//!
//! Invariant: the kernel's arguments stand in [`KERNEL_ARGUMENTS`] and nowhere else.

/// What the kernel is started with.
///
/// Serial line and screen both show the boot; the last one named is `/dev/console`. `quiet` keeps the kernel to
/// its complaints until PID 1 takes the consoles: its chatter took longer to print than the kernel to start. Every
/// hang and every damage ends in a restart that is counted (`panic`, `oops`, `softlockup_panic`,
/// `unknown_nmi_panic`); a slow disk does not (`hung_task_panic=0`). The rest is the Kernel Self Protection
/// Project's list.
pub const KERNEL_ARGUMENTS: &str = "console=ttyS0,115200 console=tty0 quiet loglevel=4 panic=10 oops=panic \
    softlockup_panic=1 hung_task_panic=0 unknown_nmi_panic slab_nomerge page_alloc.shuffle=1 \
    randomize_kstack_offset=on mitigations=auto";

/// Consoles, microcode, default entry: the same everywhere.
const COMMON: &str = include_str!("grub/common.cfg");
const MEDIUM: &str = include_str!("grub/medium.cfg");
const DISK: &str = include_str!("grub/disk.cfg");

/// First line of an environment block (GRUB: `include/grub/lib/envblk.h`).
const SIGNATURE: &str = "# GRUB Environment Block\n";
/// Bytes of an environment block, as `grub-editenv create` makes it.
const ENVIRONMENT_SIZE: usize = 1024;

/// `boot/grub.cfg` of the medium.
#[must_use]
pub fn medium() -> Vec<u8> {
    let text = MEDIUM.replace("@COMMON@", COMMON);
    text.replace("@ARGUMENTS@", KERNEL_ARGUMENTS).into_bytes()
}

/// `sps/grub.cfg` of a disk's EFI system partition.
#[must_use]
pub fn disk() -> Vec<u8> {
    DISK.replace("@COMMON@", COMMON).into_bytes()
}

/// `kernel.env` of a slot: an environment block with the one variable `arguments`.
#[must_use]
pub fn kernel_environment() -> Vec<u8> {
    let mut block = format!("{SIGNATURE}arguments={KERNEL_ARGUMENTS}\n").into_bytes();
    block.resize(ENVIRONMENT_SIZE, b'#');
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_fit_and_need_no_quoting() {
        let block = kernel_environment();
        assert_eq!(block.len(), ENVIRONMENT_SIZE);
        assert!(
            block.ends_with(b"#"),
            "the arguments are too long for an environment block"
        );
        // Special to the environment block or to GRUB's parser.
        assert!(!KERNEL_ARGUMENTS.contains(['\\', '\n', '"', '\'', '$', '#', '{', ';']));
    }

    #[test]
    fn nothing_is_left_to_replace() {
        for text in [medium(), disk()] {
            let text = String::from_utf8(text).unwrap();
            assert!(!text.contains("@COMMON@") && !text.contains("@ARGUMENTS@"));
        }
    }
}
