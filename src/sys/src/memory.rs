//! Memory of this process.

/// Gives the memory that the allocator keeps for later back to the kernel (`malloc_trim`, malloc_trim(3)). Takes milliseconds where there is much:
/// for moments in which the machine needs it.
pub fn give_back() {
    // SAFETY: the function has no precondition; it takes the allocator's own locks.
    unsafe { libc::malloc_trim(0) };
}

#[cfg(test)]
mod tests {
    use std::fs;

    fn resident() -> u64 {
        let statm = fs::read_to_string("/proc/self/statm").unwrap();
        statm.split(' ').nth(1).unwrap().parse().unwrap()
    }

    #[test]
    fn what_was_freed_in_small_pieces_is_given_back() {
        // 64 MiB in pieces below the size from which the allocator maps each by itself; the last one keeps them from the top.
        let mut pieces: Vec<Vec<u8>> = (0..16 * 1024).map(|_| vec![1; 4096]).collect();
        let full = resident();
        let last = pieces.pop();
        drop(pieces);
        super::give_back();
        let after = resident();
        assert!(after + 12 * 1024 < full, "{full} pages before, {after} after");
        drop(last);
    }
}
