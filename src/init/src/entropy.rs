//! The random number generator must be seeded before the first key is made.

use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};
use thiserror::Error;
use tracing::info;

/// The generator is not seeded.
#[derive(Debug, Error)]
pub enum EntropyError {
    /// Too little randomness from processor, boot loader and devices.
    #[error(
        "the random number generator is not seeded after {} s: give the machine a processor with RDRAND or a \
         virtio-rng device", waited.as_secs()
    )]
    NotSeeded {
        /// How long was waited.
        waited: Duration,
    },
    /// `getrandom(2)` failed.
    #[error("could not read random bytes")]
    Read(#[source] Errno),
}

/// Waits up to `limit` for the kernel to say that its generator is seeded.
///
/// # Errors
/// When it is not within the limit.
pub fn wait_until_seeded(limit: Duration) -> Result<(), EntropyError> {
    let start = Instant::now();
    loop {
        match getrandom(&mut [0_u8; 1], GetRandomFlags::NONBLOCK) {
            Ok(_) => break,
            Err(Errno::AGAIN) if start.elapsed() < limit => {
                std::thread::park_timeout(Duration::from_millis(10));
            }
            Err(Errno::AGAIN) => {
                return Err(EntropyError::NotSeeded {
                    waited: start.elapsed(),
                });
            }
            Err(error) => return Err(EntropyError::Read(error)),
        }
    }
    let waited = start.elapsed();
    if waited > Duration::from_millis(100) {
        info!(
            "random number generator seeded after {:.1} s",
            waited.as_secs_f64()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_machine_is_seeded() {
        wait_until_seeded(Duration::from_secs(1)).unwrap();
    }
}
