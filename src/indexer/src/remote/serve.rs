//! One connection of a host, on the appliance.

use std::fs::File;
use std::io::{self, Read};
use std::net::{IpAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use sps_bootlog::causes;
use sps_index_engine::{Decoder, Part, WireError};
use sps_indexer_engine::{
    Conversation, FromAppliance, FromHost, Item, Job, MAX_PIECE, Offence, Said, WorkerId,
};
use thiserror::Error;
use tracing::{info, warn};

use super::answer::{Answer, Found};
use super::hub::{Counted, Hub, Trust};
use super::identity::Fingerprint;
use super::limits::{ALIVE_WITHIN, GREETED_WITHIN, READ_WITHIN, REST_EVERY, SAID_WITHIN, SENT_WITHIN};
use super::link::{Link, LinkError};
use super::spool::Spool;

/// Why a connection ended.
#[derive(Debug, Error)]
enum End {
    /// The host took its leave.
    #[error("it left")]
    Left,
    /// It is not known any more, or the appliance stops.
    #[error("it was removed, or the appliance stops")]
    Gone,
    /// The connection is gone.
    #[error("{0}")]
    Lost(LinkError),
    /// What it said is none of an indexer's.
    #[error("{0}")]
    Offence(String),
    /// A session took too long.
    #[error("it did not read a session within {} minutes", READ_WITHIN.as_secs() / 60)]
    Overdue,
    /// The appliance cannot take what it tells.
    #[error("the appliance could not keep what it told: {0}")]
    Own(io::Error),
}

impl From<LinkError> for End {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Frame(error) => Self::Offence(Offence::from(error).to_string()),
            error => Self::Lost(error),
        }
    }
}

impl From<Offence> for End {
    fn from(offence: Offence) -> Self {
        Self::Offence(offence.to_string())
    }
}

impl From<WireError> for End {
    fn from(error: WireError) -> Self {
        Self::Offence(error.to_string())
    }
}

/// Serves it until it ends.
pub(crate) fn serve(hub: &Hub, counted: &Counted<'_>, socket: TcpStream, trust: &Trust, address: IpAddr) {
    let until = Instant::now() + GREETED_WITHIN;
    let link = match Link::accept(socket, trust.config.clone(), GREETED_WITHIN) {
        Ok(link) => link,
        Err(error) => return hub.refuse(address, None, &stranger(&error)),
    };
    let print = link.certificate().map(Fingerprint::of);
    let Some((print, name)) = print.and_then(|print| Some((print, trust.hosts.get(&print)?))) else {
        return hub.refuse(address, None, &stranger(&LinkError::Denied));
    };
    let mut served = Served {
        hub,
        link,
        conversation: Conversation::default(),
        name,
        worker: 0,
    };
    match served.greet(counted, (address, print), until) {
        Ok(true) => {}
        Ok(false) => return,
        Err(end) => return hub.refuse(address, Some(name), &end.to_string()),
    }
    let end = served.work();
    let (worker, why) = (served.worker, end.to_string());
    match end {
        End::Left => {
            info!("the indexer {name} at {address} left");
            hub.leave(worker, None);
        }
        End::Gone | End::Lost(_) | End::Overdue => {
            warn!("the indexer {name} at {address} is gone: {why}");
            hub.leave(worker, Some(&why));
        }
        End::Own(_) => {
            warn!("the indexer {name} at {address} was cut off: {why}");
            hub.leave(worker, Some(&why));
        }
        End::Offence(_) => {
            let reason = format!("cut off: {why}");
            hub.refuse(address, Some(name), &reason);
            hub.leave(worker, Some(&reason));
            served.refuse(&reason);
        }
    }
    served.link.close();
}

/// Why somebody did not get as far as a name.
fn stranger(error: &LinkError) -> String {
    match error {
        LinkError::Late(within) => format!("it did not say who it is within {} s", within.as_secs()),
        LinkError::Closed => "it went before it said who it is".into(),
        LinkError::Denied => "its certificate is of no host of this appliance".into(),
        LinkError::Tls(why) if why.contains("ApplicationVerificationFailure") => {
            "its certificate is of no host of this appliance: was the host removed?".into()
        }
        error => error.to_string(),
    }
}

struct Served<'a> {
    hub: &'a Hub,
    link: Link,
    conversation: Conversation,
    name: &'a str,
    worker: WorkerId,
}

impl Served<'_> {
    /// Whether it may index; it is told when not.
    fn greet(
        &mut self,
        counted: &Counted<'_>,
        (address, print): (IpAddr, Fingerprint),
        until: Instant,
    ) -> Result<bool, End> {
        let said = self.hear(until.saturating_duration_since(Instant::now()))?;
        let Said::Hello(hello) = said else {
            return Err(End::Left);
        };
        match self.hub.arrive(counted, (self.name, print), address, &hello) {
            Ok(worker) => self.worker = worker,
            Err(reason) => {
                self.refuse(&reason);
                self.link.close();
                return Ok(false);
            }
        }
        let version = self.hub.version();
        let welcomed = self.link.send(&FromAppliance::Welcome { version }, SENT_WITHIN);
        if welcomed.is_err() {
            self.hub.leave(self.worker, None);
        }
        welcomed.map(|()| true).map_err(End::Lost)
    }

    fn refuse(&mut self, reason: &str) {
        let reason = reason.to_owned();
        // Who does not listen finds it in the appliance's log.
        let _unheard = self
            .link
            .send(&FromAppliance::Refused { reason }, Duration::from_secs(1));
    }

    fn hear(&mut self, within: Duration) -> Result<Said, End> {
        let frame = self.link.receive::<FromHost>(within)?;
        Ok(self.conversation.heard(frame)?)
    }

    fn work(&mut self) -> End {
        loop {
            let done = match self.hub.next(self.worker, REST_EVERY) {
                Some((Job::Read(item), trails)) => self.read(item, &trails),
                Some((Job::Gone, _)) => Err(End::Gone),
                Some((Job::Nothing, _)) | None => self.rest(),
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    fn rest(&mut self) -> Result<(), End> {
        self.conversation.rest();
        self.link.send(&FromAppliance::Rest, SENT_WITHIN)?;
        match self.hear(ALIVE_WITHIN)? {
            Said::Leaves => Err(End::Left),
            _ => Ok(()),
        }
    }

    /// One session; whatever happens to it is known to the hub but when the connection ends, which gives it back.
    fn read(&mut self, item: Item, trails: &Path) -> Result<(), End> {
        let opened = File::open(trails.join(&item.trail)).and_then(|file| {
            let size = file.metadata()?.len();
            Ok((file, size))
        });
        let (file, size) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                warn!(
                    "the trail of session {} cannot be read: {}",
                    item.id,
                    causes(&error)
                );
                self.tell(item, Found::NoTrail);
                return Ok(());
            }
        };
        let begin = FromAppliance::Session {
            id: item.id.clone(),
            size,
        };
        self.link.send(&begin, SENT_WITHIN)?;
        self.conversation.begin();
        let session = Session {
            file,
            given: 0,
            decoder: Decoder::default(),
            spool: Spool::new(trails),
        };
        match self.exchange(session) {
            Ok(Ended::Told(spool)) => {
                let told = spool.told().map_err(End::Own)?;
                self.tell(item, Found::Told(told));
            }
            Ok(Ended::Failed(reason)) => self.hub.failed(self.worker, item, self.name, &reason),
            Ok(Ended::Elsewhere(reason)) => self.hub.elsewhere(self.worker, &reason),
            Err(End::Offence(why)) => {
                self.hub.failed(self.worker, item, self.name, &why);
                return Err(End::Offence(why));
            }
            Err(end) => return Err(end),
        }
        Ok(())
    }

    fn tell(&self, item: Item, found: Found) {
        let host = self.name.to_owned();
        self.hub.done(self.worker, Answer { item, host, found });
    }

    fn exchange(&mut self, mut session: Session) -> Result<Ended, End> {
        let until = Instant::now() + READ_WITHIN;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(End::Overdue);
            }
            match self.hear(left.min(SAID_WITHIN))? {
                Said::Wants => {
                    let piece = session.piece().map_err(End::Own)?;
                    if piece.is_empty() {
                        self.conversation.gave_all();
                    }
                    self.link.send(&FromAppliance::Piece(piece), SENT_WITHIN)?;
                    self.hub.gave(self.worker, session.given);
                }
                Said::Told(bytes) => session.told(&bytes)?,
                Said::Done => {
                    session.decoder.finish()?;
                    return Ok(Ended::Told(session.spool));
                }
                Said::Failed {
                    elsewhere: true,
                    reason,
                } => return Ok(Ended::Elsewhere(reason)),
                Said::Failed { reason, .. } => return Ok(Ended::Failed(reason)),
                Said::Leaves => return Err(End::Left),
                Said::Hello(_) | Said::Alive => {}
            }
        }
    }
}

/// How a session ended.
enum Ended {
    Told(Spool),
    Failed(String),
    Elsewhere(String),
}

/// A session on its way.
struct Session {
    file: File,
    given: u64,
    decoder: Decoder,
    spool: Spool,
}

impl Session {
    fn piece(&mut self) -> io::Result<Vec<u8>> {
        let mut piece = Vec::with_capacity(MAX_PIECE);
        (&self.file).take(MAX_PIECE as u64).read_to_end(&mut piece)?;
        self.given += piece.len() as u64;
        Ok(piece)
    }

    /// What is no moment ends the connection at once.
    fn told(&mut self, bytes: &[u8]) -> Result<(), End> {
        self.decoder.push(bytes);
        while let Some(part) = self.decoder.next()? {
            drop::<Part>(part);
        }
        self.spool.write(bytes).map_err(End::Own)
    }
}
