//! The kernel's clock discipline: `clock_adjtime(2)` on `CLOCK_REALTIME`.
//!
//! Units and flags are those of adjtimex(2). Setting anything needs `CAP_SYS_TIME`; reading does not.

use std::io;
use std::time::Duration;

/// Parts per million in the kernel's fixed point: 16 bits of fraction.
const PPM: f64 = 65536.0;
/// Largest frequency correction the kernel takes (`MAXFREQ`, include/linux/timex.h).
pub const MAX_FREQUENCY_PPM: f64 = 500.0;

/// Frequency correction in force, in parts per million.
///
/// # Errors
/// The kernel's; none is known for reading.
pub fn frequency_ppm() -> io::Result<f64> {
    let mut timex = request(0);
    adjust(&mut timex)?;
    // i64 to f64 is exact here: the kernel's value has 26 bits.
    #[expect(clippy::cast_precision_loss, reason = "the kernel's value has 26 bits")]
    Ok(timex.freq as f64 / PPM)
}

/// Sets the frequency correction, in parts per million, cut to what the kernel takes.
///
/// # Errors
/// No permission.
pub fn set_frequency_ppm(ppm: f64) -> io::Result<()> {
    let mut timex = request(libc::ADJ_FREQUENCY);
    #[expect(clippy::cast_possible_truncation, reason = "clamped to 26 bits just before")]
    let frequency = (ppm.clamp(-MAX_FREQUENCY_PPM, MAX_FREQUENCY_PPM) * PPM) as i64;
    timex.freq = frequency;
    adjust(&mut timex)
}

/// Steps the clock by `nanoseconds` at once.
///
/// # Errors
/// No permission, or the kernel's limit of what a clock can show.
pub fn step(nanoseconds: i64) -> io::Result<()> {
    let mut timex = request(libc::ADJ_SETOFFSET | libc::ADJ_NANO);
    timex.time.tv_sec = nanoseconds.div_euclid(1_000_000_000);
    // With ADJ_NANO this field holds nanoseconds, never negative.
    timex.time.tv_usec = nanoseconds.rem_euclid(1_000_000_000);
    adjust(&mut timex)
}

/// Switches the kernel's own discipline off: the caller steers by frequency and steps.
///
/// # Errors
/// No permission.
pub fn disable_kernel_discipline() -> io::Result<()> {
    let mut status = request(0);
    adjust(&mut status)?;
    let mut timex = request(libc::ADJ_STATUS);
    let own = libc::STA_PLL | libc::STA_FLL | libc::STA_PPSTIME | libc::STA_PPSFREQ | libc::STA_FREQHOLD;
    timex.status = writable(status.status) & !own;
    adjust(&mut timex)
}

/// Tells the kernel that the clock is synchronized, with the standard deviation and the largest error of its time;
/// the kernel then also keeps the battery clock right, every 11 minutes.
///
/// # Errors
/// No permission.
pub fn mark_synchronized(deviation: Duration, largest_error: Duration) -> io::Result<()> {
    let mut timex = request(libc::ADJ_STATUS | libc::ADJ_ESTERROR | libc::ADJ_MAXERROR);
    timex.esterror = microseconds(deviation);
    timex.maxerror = microseconds(largest_error);
    adjust(&mut timex)
}

/// Tells the kernel that the clock is not synchronized.
///
/// # Errors
/// No permission.
pub fn mark_unsynchronized() -> io::Result<()> {
    let mut timex = request(libc::ADJ_STATUS);
    timex.status = libc::STA_UNSYNC;
    adjust(&mut timex)
}

fn microseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Status bits that may be written (`STA_RONLY` of linux/timex.h taken away).
fn writable(status: i32) -> i32 {
    let read_only = libc::STA_PPSSIGNAL
        | libc::STA_PPSJITTER
        | libc::STA_PPSWANDER
        | libc::STA_PPSERROR
        | libc::STA_CLOCKERR
        | libc::STA_NANO
        | libc::STA_MODE
        | libc::STA_CLK;
    status & !read_only
}

fn request(modes: u32) -> libc::timex {
    // SAFETY: timex is a plain struct of integers; all zeroes is a valid request that changes nothing.
    let mut timex: libc::timex = unsafe { std::mem::zeroed() };
    timex.modes = modes;
    timex
}

fn adjust(timex: &mut libc::timex) -> io::Result<()> {
    // SAFETY: `timex` is a valid, exclusively borrowed struct of the type the call reads and writes.
    let result = unsafe { libc::clock_adjtime(libc::CLOCK_REALTIME, timex) };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frequency_can_be_read_and_is_within_the_kernels_limits() {
        let ppm = frequency_ppm().unwrap();
        assert!(ppm.abs() <= MAX_FREQUENCY_PPM, "{ppm}");
    }

    #[test]
    fn read_only_bits_are_never_written() {
        assert_eq!(
            writable(libc::STA_NANO | libc::STA_CLOCKERR | libc::STA_PLL),
            libc::STA_PLL
        );
    }
}
