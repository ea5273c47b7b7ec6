# A boot sector that tells a test what QEMU does, without a kernel. It says "ready" on COM1 and then obeys
# single letters: w writes the next sector of the boot disk, r resets the machine, p powers it off; any other
# letter comes back in angle brackets. Assembled by the test: as --32, objcopy -O binary, 512 bytes.
    .code16
    .intel_syntax noprefix
    .globl _start
_start:
    xor ax, ax
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov sp, 0x7c00
    mov [0x7c00 + drive - _start], dl
    mov si, 0x7c00 + ready - _start
    call say

next:
    mov dx, 0x3fd               # line status register
1:  in al, dx
    test al, 1
    jz 1b
    mov dx, 0x3f8
    in al, dx
    cmp al, 'w'
    je write
    cmp al, 'r'
    je reset
    cmp al, 'p'
    je off
    mov [0x7c00 + letter - _start], al
    mov si, 0x7c00 + echoed - _start
    call say
    jmp next

write:
    inc byte ptr [0x7c00 + lba - _start]
    mov al, [0x7c00 + lba - _start]
    mov di, 0x8000              # 512 bytes holding the sector's number
    mov cx, 512
    rep stosb
    mov si, 0x7c00 + packet - _start
    mov dl, [0x7c00 + drive - _start]
    mov ax, 0x4300              # extended write without verification
    int 0x13
    mov si, 0x7c00 + written - _start
    jnc 2f
    mov si, 0x7c00 + failed - _start
2:  call say
    jmp next

reset:
    mov dx, 0xcf9               # reset control register: full reset
    mov al, 6
    out dx, al
    hlt

off:
    mov dx, 0x604               # PM1a control of the q35 chipset: sleep enable, soft off
    mov ax, 0x2000
    out dx, ax
    hlt

say:                            # the text at SI, ended by a zero byte
    lodsb
    test al, al
    jz 4f
    mov ah, al
    mov dx, 0x3fd
3:  in al, dx
    test al, 0x20
    jz 3b
    mov al, ah
    mov dx, 0x3f8
    out dx, al
    jmp say
4:  ret

drive:   .byte 0
ready:   .asciz "ready\n"
echoed:  .byte '<'
letter:  .byte 0
         .asciz ">\n"
written: .asciz "written\n"
failed:  .asciz "failed\n"
    .balign 4
packet:  .byte 16, 0            # size of the packet
         .short 1               # sectors
         .short 0x8000, 0       # buffer: offset, segment
lba:     .quad 0
    .org 510
    .short 0xaa55
