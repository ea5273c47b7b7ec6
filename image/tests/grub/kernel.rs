//! The smallest kernel GRUB starts: it writes its command line to the serial line and halts.
//!
//! Format: kernel, Documentation/arch/x86/boot.rst.

/// 32-bit code; `esi` points to the boot parameters, whose field at 0x228 points to the command line.
const CODE: [u8; 50] = [
    0x8b, 0x9e, 0x28, 0x02, 0x00, 0x00, // mov ebx, [esi + 0x228]
    0x8a, 0x23, // next: mov ah, [ebx]
    0x84, 0xe4, // test ah, ah
    0x74, 0x13, // jz end
    0x66, 0xba, 0xfd, 0x03, // mov dx, 0x3fd
    0xec, // wait: in al, dx
    0xa8, 0x20, // test al, 0x20
    0x74, 0xfb, // jz wait
    0x66, 0xba, 0xf8, 0x03, // mov dx, 0x3f8
    0x88, 0xe0, // mov al, ah
    0xee, // out dx, al
    0x43, // inc ebx
    0xeb, 0xe7, // jmp next
    0x66, 0xba, 0xfd, 0x03, // end: mov dx, 0x3fd
    0xec, // again: in al, dx
    0xa8, 0x20, // test al, 0x20
    0x74, 0xfb, // jz again
    0x66, 0xba, 0xf8, 0x03, // mov dx, 0x3f8
    0xb0, 0x0a, // mov al, '\n'
    0xee, // out dx, al
    0xf4, // halt: hlt
    0xeb, 0xfd, // jmp halt
];
const SECTOR: usize = 512;

/// The kernel as a bzImage.
pub(crate) fn image() -> Vec<u8> {
    let mut image = vec![0; 3 * SECTOR];
    let fields: [(usize, &[u8]); 11] = [
        // One setup sector.
        (0x1f1, &[1]),
        (0x1fe, &[0x55, 0xaa]),
        (0x200, &[0xeb, 0x66]),
        (0x202, b"HdrS"),
        // Boot protocol 2.12.
        (0x206, &[0x0c, 0x02]),
        // Loaded high.
        (0x211, &[1]),
        (0x214, &0x10_0000_u32.to_le_bytes()),
        (0x22c, &0x7fff_ffff_u32.to_le_bytes()),
        (0x238, &2047_u32.to_le_bytes()),
        // Where it wants to lie, and how much room it takes.
        (0x258, &0x10_0000_u64.to_le_bytes()),
        (0x260, &0x1_0000_u32.to_le_bytes()),
    ];
    for (at, bytes) in fields {
        image[at..at + bytes.len()].copy_from_slice(bytes);
    }
    image[2 * SECTOR..2 * SECTOR + CODE.len()].copy_from_slice(&CODE);
    image
}
