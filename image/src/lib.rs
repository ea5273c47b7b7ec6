//! Firmware image: manifest, signatures, initramfs, ESP, hybrid ISO.
