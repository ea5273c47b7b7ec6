//! What the one process of the appliance may have open.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Open files: four thousand sessions have two connections and a trail each, and there is the rest of the appliance. The kernel's own
/// limit for PID 1 is 1,024.
pub const OPEN_FILES: u64 = 65_536;

/// Raises the limits to [`OPEN_FILES`].
///
/// # Errors
/// When the kernel refuses.
pub fn raise() -> io::Result<()> {
    raise_to(OPEN_FILES)
}

fn raise_to(files: u64) -> io::Result<()> {
    let hard = getrlimit(Resource::Nofile).maximum;
    let limit = Rlimit {
        current: Some(files),
        // None is as many as one likes.
        maximum: hard.map(|hard| hard.max(files)),
    };
    Ok(setrlimit(Resource::Nofile, limit)?)
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn more_files_than_before_may_be_open() {
        let hard = getrlimit(Resource::Nofile).maximum.unwrap_or(OPEN_FILES);
        let wanted = hard.min(OPEN_FILES);
        raise_to(wanted).unwrap();
        assert_eq!(getrlimit(Resource::Nofile).current, Some(wanted));
        // More than the kernel allows PID 1 by itself.
        let files: Vec<File> = (0..3000).map(|_| File::open("/dev/null").unwrap()).collect();
        assert_eq!(files.len(), 3000);
    }
}
