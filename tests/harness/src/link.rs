//! An Ethernet cable between two guests, or between a guest and the test, that can be cut, slowed and made lossy
//! in each direction.
//!
//! QEMU's `dgram` back end sends each frame as one datagram to a unix socket of ours; a thread a direction passes
//! it on. Every frame that arrives is kept (bounded) for the test to judge and written to `<name>.pcap` among the
//! logs.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use crate::nic::Nic;

/// Largest frame: QEMU sends up to 64 KiB when segmentation is left to the card.
const MAX_FRAME: usize = 1 << 16;
/// Frames a delay may hold; later ones are dropped, as by any full queue.
const MAX_DELAYED: usize = 4096;
/// Longest wait for a guest whose receive queue is full (the kernel's holds ten datagrams): then the frame is lost.
const PATIENCE: Duration = Duration::from_millis(100);
/// Frames kept for the test; the oldest go first.
const MAX_KEPT: usize = 8192;
/// Bytes kept of a frame: enough for every header a test looks at.
const SNAP: usize = 512;
/// Bytes written to the capture file.
const MAX_CAPTURE: u64 = 64 << 20;

/// One of the two ends of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The first.
    A,
    /// The second.
    B,
}

impl End {
    /// The opposite end.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    fn index(self) -> usize {
        usize::from(self == Self::B)
    }
}

/// What the cable does to frames that come from one end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quality {
    /// Nothing passes.
    pub cut: bool,
    /// Every frame takes this long.
    pub delay: Duration,
    /// Of 1,000 frames, this many are lost, chosen by a generator that starts the same every time.
    pub loss_per_mille: u16,
}

/// A frame seen on the link, whether it was passed on or not.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The end it came from.
    pub from: End,
    /// When it arrived.
    pub at: Instant,
    /// Its first bytes, 512 at most.
    pub bytes: Vec<u8>,
}

#[derive(Debug)]
struct State {
    quality: [Quality; 2],
    frames: VecDeque<Frame>,
    /// Number of the first frame kept.
    first: usize,
    capture: Capture,
    stopping: bool,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    arrived: Condvar,
}

/// A cable.
#[derive(Debug)]
pub struct Link {
    shared: Arc<Shared>,
    folder: PathBuf,
    name: String,
}

impl Link {
    /// A cable called `name`; its sockets lie in `folder`, its capture in `logs`.
    pub(crate) fn new(name: &str, folder: &Path, logs: &Path) -> Result<Self> {
        let capture = Capture::create(&logs.join(format!("{name}.pcap")))?;
        let state = State {
            quality: [Quality::default(); 2],
            frames: VecDeque::new(),
            first: 0,
            capture,
            stopping: false,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            arrived: Condvar::new(),
        });
        let link = Self {
            shared,
            folder: folder.to_owned(),
            name: name.into(),
        };
        let (a, b) = (link.bind(End::A)?, link.bind(End::B)?);
        let (to_a, to_b) = (
            a.try_clone().context("clone a socket")?,
            b.try_clone().context("clone a socket")?,
        );
        for socket in [&to_a, &to_b] {
            socket
                .set_write_timeout(Some(PATIENCE))
                .context("bound the sending")?;
        }
        for (from, socket, onward) in [(End::A, a, to_b), (End::B, b, to_a)] {
            let relay = Relay {
                from,
                shared: Arc::clone(&link.shared),
                socket,
                onward,
                target: link.socket(from.other(), "card"),
                delayed: VecDeque::new(),
                chance: 0x9e37_79b9_7f4a_7c15,
            };
            thread::spawn(move || relay.run());
        }
        Ok(link)
    }

    /// The card to plug into a guest for `end`. One guest an end, one after the other.
    #[must_use]
    pub fn nic(&self, end: End) -> Nic {
        Nic::datagrams(self.socket(end, "card"), self.socket(end, "cable"))
    }

    /// The socket of `end` for a test that speaks Ethernet itself.
    ///
    /// # Errors
    /// When the end is taken.
    #[cfg(any(test, feature = "peer"))]
    pub(crate) fn open(&self, end: End) -> Result<UnixDatagram> {
        let path = self.socket(end, "card");
        let socket = UnixDatagram::bind(&path).with_context(|| format!("bind {}", path.display()))?;
        socket
            .connect(self.socket(end, "cable"))
            .context("plug into the cable")?;
        Ok(socket)
    }

    /// Sets what happens to frames from `end`.
    pub fn set(&self, end: End, quality: Quality) {
        self.shared.lock().quality[end.index()] = quality;
    }

    /// Cuts both directions.
    pub fn cut(&self) {
        let cut = Quality {
            cut: true,
            ..Quality::default()
        };
        self.set(End::A, cut);
        self.set(End::B, cut);
    }

    /// Mends both directions.
    pub fn mend(&self) {
        self.set(End::A, Quality::default());
        self.set(End::B, Quality::default());
    }

    /// How many frames have arrived up to now: a place to start [`Self::wait_frame`] from.
    #[must_use]
    pub fn count(&self) -> usize {
        let state = self.shared.lock();
        state.first + state.frames.len()
    }

    /// Waits for a frame, not before number `since`, that `wanted` accepts; returns it with the next number.
    ///
    /// # Errors
    /// When none comes within `timeout`.
    pub fn wait_frame(
        &self,
        since: usize,
        timeout: Duration,
        wanted: impl Fn(&Frame) -> bool,
    ) -> Result<(Frame, usize)> {
        let deadline = Instant::now() + timeout;
        let mut next = since;
        let mut state = self.shared.lock();
        loop {
            next = next.max(state.first);
            let unseen = next - state.first;
            if let Some(place) = state.frames.iter().skip(unseen).position(&wanted) {
                return Ok((state.frames[unseen + place].clone(), next + place + 1));
            }
            next = state.first + state.frames.len();
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!("no such frame on the link {} within {timeout:?}", self.name);
            }
            state = self
                .shared
                .arrived
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn bind(&self, end: End) -> Result<UnixDatagram> {
        let path = self.socket(end, "cable");
        UnixDatagram::bind(&path).with_context(|| format!("bind {}", path.display()))
    }

    fn socket(&self, end: End, side: &str) -> PathBuf {
        self.folder.join(format!("{}-{end:?}-{side}", self.name))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.shared.lock().stopping = true;
        // An empty datagram wakes each thread so that it sees the end.
        if let Ok(socket) = UnixDatagram::unbound() {
            for end in [End::A, End::B] {
                let _ended_already = socket.send_to(&[], self.socket(end, "cable"));
            }
        }
    }
}

impl Shared {
    /// A panic under the lock leaves the state whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One direction.
struct Relay {
    from: End,
    shared: Arc<Shared>,
    socket: UnixDatagram,
    /// The other end's socket: a card hears its own end of the cable alone.
    onward: UnixDatagram,
    target: PathBuf,
    delayed: VecDeque<(Instant, Vec<u8>)>,
    chance: u64,
}

impl Relay {
    fn run(mut self) {
        let mut buffer = vec![0; MAX_FRAME];
        while let Ok(received) = self.receive(&mut buffer) {
            if let Some(length) = received {
                let Some(quality) = self.arrive(&buffer[..length]) else {
                    return;
                };
                self.pass(&buffer[..length], quality);
            }
            self.release();
        }
    }

    /// A frame, or nothing when a delayed one is due first.
    fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let due = self
            .delayed
            .front()
            .map(|(due, _)| due.saturating_duration_since(Instant::now()));
        self.socket
            .set_read_timeout(due.map(|left| left.max(Duration::from_micros(100))))?;
        match self.socket.recv(buffer) {
            Ok(length) => Ok(Some(length)),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Notes a frame; what to do with it, or nothing at the end.
    fn arrive(&self, frame: &[u8]) -> Option<Quality> {
        let mut state = self.shared.lock();
        if state.stopping {
            return None;
        }
        let kept = frame[..frame.len().min(SNAP)].to_vec();
        // The capture is for people: memory has what the test judges by.
        let _unjudged = state.capture.write(frame.len(), &kept);
        if state.frames.len() == MAX_KEPT {
            state.frames.pop_front();
            state.first += 1;
        }
        state.frames.push_back(Frame {
            from: self.from,
            at: Instant::now(),
            bytes: kept,
        });
        self.shared.arrived.notify_all();
        Some(state.quality[self.from.index()])
    }

    fn pass(&mut self, frame: &[u8], quality: Quality) {
        if quality.cut || self.is_lost(quality) {
            return;
        }
        if quality.delay.is_zero() && self.delayed.is_empty() {
            self.send(frame);
        } else if self.delayed.len() < MAX_DELAYED {
            self.delayed
                .push_back((Instant::now() + quality.delay, frame.to_vec()));
        }
    }

    /// Sends what is due; a frame never overtakes an earlier one.
    fn release(&mut self) {
        while self
            .delayed
            .front()
            .is_some_and(|(due, _)| *due <= Instant::now())
        {
            if let Some((_, frame)) = self.delayed.pop_front() {
                self.send(&frame);
            }
        }
    }

    /// A guest that is not there, or whose queue is full, loses the frame, as on any wire.
    fn send(&self, frame: &[u8]) {
        let _lost = self.onward.send_to(frame, &self.target);
    }

    /// xorshift64: the same losses in every run.
    fn is_lost(&mut self, quality: Quality) -> bool {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        self.chance % 1000 < u64::from(quality.loss_per_mille)
    }
}

/// A capture file in the classic format (magic a1b2c3d4, microseconds, Ethernet).
#[derive(Debug)]
struct Capture {
    file: File,
    written: u64,
}

impl Capture {
    fn create(path: &Path) -> Result<Self> {
        let mut file = File::create(path).with_context(|| format!("create {}", path.display()))?;
        let snap = u32::try_from(SNAP).context("the snapshot length")?;
        let head = [0xa1b2_c3d4, 0x0004_0002, 0, 0, snap, 1];
        file.write_all(&head.map(u32::to_le_bytes).concat())
            .with_context(|| format!("write {}", path.display()))?;
        Ok(Self { file, written: 0 })
    }

    fn write(&mut self, length: usize, kept: &[u8]) -> io::Result<()> {
        if self.written > MAX_CAPTURE {
            return Ok(());
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let word = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        let seconds = u32::try_from(now.as_secs()).unwrap_or(u32::MAX);
        let head = [seconds, now.subsec_micros(), word(kept.len()), word(length)];
        let record = [&head.map(u32::to_le_bytes).concat(), kept].concat();
        self.written += record.len() as u64;
        self.file.write_all(&record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    fn cable() -> (Link, UnixDatagram, UnixDatagram, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let link = Link::new("main", folder.path(), folder.path()).unwrap();
        let (a, b) = (link.open(End::A).unwrap(), link.open(End::B).unwrap());
        b.set_read_timeout(Some(SOON)).unwrap();
        a.set_read_timeout(Some(SOON)).unwrap();
        (link, a, b, folder)
    }

    fn next(socket: &UnixDatagram) -> Vec<u8> {
        let mut buffer = [0; 2048];
        let length = socket.recv(&mut buffer).unwrap();
        buffer[..length].to_vec()
    }

    #[test]
    fn one_direction_is_cut_and_mended() {
        let (link, a, b, folder) = cable();
        link.set(
            End::A,
            Quality {
                cut: true,
                ..Quality::default()
            },
        );
        a.send(b"lost").unwrap();
        b.send(b"back").unwrap();
        assert_eq!(next(&a), b"back");
        let (_, seen) = link.wait_frame(0, SOON, |frame| frame.bytes == b"lost").unwrap();
        link.mend();
        a.send(b"again").unwrap();
        assert_eq!(next(&b), b"again");
        let (frame, _) = link.wait_frame(seen, SOON, |frame| frame.from == End::A).unwrap();
        assert_eq!(frame.bytes, b"again");
        assert!(
            link.wait_frame(link.count(), Duration::from_millis(1), |_| true)
                .is_err()
        );
        assert_eq!(
            std::fs::read(folder.path().join("main.pcap")).unwrap().len(),
            24 + 3 * 16 + 13
        );
    }

    #[test]
    fn delayed_frames_keep_their_order() {
        let (link, a, b, _folder) = cable();
        let delay = Duration::from_millis(80);
        link.set(
            End::A,
            Quality {
                delay,
                ..Quality::default()
            },
        );
        let sent = Instant::now();
        a.send(b"one").unwrap();
        link.wait_frame(0, SOON, |_| true).unwrap();
        link.mend();
        a.send(b"two").unwrap();
        assert_eq!((next(&b), next(&b)), (b"one".to_vec(), b"two".to_vec()));
        assert!(sent.elapsed() >= delay);
    }

    #[test]
    fn losses_are_the_same_every_time() {
        let run = || {
            let (link, a, b, _folder) = cable();
            link.set(
                End::A,
                Quality {
                    loss_per_mille: 500,
                    ..Quality::default()
                },
            );
            for number in 0..100_u8 {
                a.send(&[number]).unwrap();
            }
            link.wait_frame(0, SOON, |frame| frame.bytes == [99]).unwrap();
            link.mend();
            a.send(&[255]).unwrap();
            std::iter::from_fn(|| Some(next(&b)[0]).filter(|number| *number != 255)).collect::<Vec<_>>()
        };
        let passed = run();
        assert!((30..70).contains(&passed.len()), "{}", passed.len());
        assert_eq!(passed, run());
    }
}
