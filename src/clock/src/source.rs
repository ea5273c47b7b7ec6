//! One time server: its questions, its events, its timer.
//!
//! Every question goes out from a new port, and only one datagram of the asked address is waited for at a time, so
//! an attacker off the path must guess the port and RFC 5905's origin timestamp.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use ntp_proto::{
    KalmanControllerMessage, KalmanSourceMessage, NtpInstant, NtpSource, NtpSourceAction, NtpSourceUpdate,
    NtpTimestamp, SystemSourceUpdate, TwoWayKalmanSourceController,
};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;
use tracing::debug;

use crate::client::Event;
use crate::discipline::Discipline;
use crate::state::ServerState;

/// Longest answer that is looked at: NTPv4 with room for extension fields.
const MAX_PACKET: usize = 1024;

/// Identifies a source for the algorithm; never used twice.
pub(crate) type SourceId = u32;
/// What the algorithm says to its sources.
pub(crate) type FromAlgorithm = KalmanControllerMessage;
/// What a source of `ntp-proto` wants done.
pub(crate) type Actions = Vec<NtpSourceAction<KalmanSourceMessage<SourceId>>>;

/// An answer that came in.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) id: SourceId,
    bytes: Vec<u8>,
    at: NtpInstant,
    received: NtpTimestamp,
}

/// What a source wants of the client.
pub(crate) enum Wish {
    /// Give this to the algorithm.
    Tell(Box<NtpSourceUpdate<KalmanSourceMessage<SourceId>>>),
    /// Start anew: the server does not answer.
    Restart,
    /// The server forbids it: never ask again.
    Stop,
}

pub(crate) struct Source {
    id: SourceId,
    name: String,
    address: SocketAddr,
    ntp: NtpSource<TwoWayKalmanSourceController<SourceId>>,
    timer: Option<Instant>,
    sent: Option<NtpTimestamp>,
    events: mpsc::Sender<Event>,
    discipline: Discipline,
    listener: Option<AbortOnDropHandle<()>>,
}

impl Source {
    pub(crate) fn new(
        id: SourceId,
        name: String,
        address: SocketAddr,
        ntp: NtpSource<TwoWayKalmanSourceController<SourceId>>,
        events: mpsc::Sender<Event>,
        discipline: Discipline,
    ) -> Self {
        Self {
            id,
            name,
            address,
            ntp,
            timer: None,
            sent: None,
            events,
            discipline,
            listener: None,
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.timer
    }

    pub(crate) fn state(&self) -> ServerState {
        let unanswered = self.ntp.observe(String::new(), self.id).unanswered_polls;
        ServerState {
            name: self.name.clone(),
            address: Some(self.address.to_string()),
            unanswered,
        }
    }

    /// Offset in milliseconds, as last estimated.
    pub(crate) fn offset_ms(&self) -> f64 {
        self.ntp
            .observe(String::new(), self.id)
            .timedata
            .offset
            .to_seconds()
            * 1e3
    }

    pub(crate) fn tell(&mut self, update: SystemSourceUpdate<FromAlgorithm>) -> Actions {
        self.ntp.handle_system_update(update).collect()
    }

    pub(crate) async fn on_time(&mut self) -> Vec<Wish> {
        self.timer = None;
        let actions = self.ntp.handle_timer().collect();
        self.act(actions).await
    }

    pub(crate) async fn on_answer(&mut self, answer: &Answer) -> Vec<Wish> {
        let Some(sent) = self.sent else { return Vec::new() };
        let actions = self
            .ntp
            .handle_incoming(&answer.bytes, answer.at, sent, answer.received)
            .collect();
        self.act(actions).await
    }

    pub(crate) async fn act(&mut self, actions: Actions) -> Vec<Wish> {
        let mut wishes = Vec::new();
        for action in actions {
            match action {
                NtpSourceAction::Send(packet) => self.ask(&packet).await,
                NtpSourceAction::UpdateSystem(update) => wishes.push(Wish::Tell(Box::new(update))),
                NtpSourceAction::SetTimer(after) => self.timer = Some(Instant::now() + after),
                NtpSourceAction::Reset => wishes.push(Wish::Restart),
                NtpSourceAction::Demobilize => wishes.push(Wish::Stop),
            }
        }
        wishes
    }

    /// An unsent question is an unanswered one: the timer repeats it.
    async fn ask(&mut self, packet: &[u8]) {
        self.listener = None;
        match self.send(packet).await {
            Ok(socket) => {
                let (id, events, discipline) = (self.id, self.events.clone(), self.discipline.clone());
                self.listener = Some(AbortOnDropHandle::new(tokio::spawn(listen(
                    socket, id, events, discipline,
                ))));
            }
            Err(error) => debug!("question to time server {} not sent: {error}", self.name),
        }
    }

    async fn send(&mut self, packet: &[u8]) -> io::Result<UdpSocket> {
        let any: SocketAddr = match self.address {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(any).await?;
        socket.connect(self.address).await?;
        self.sent = Some(self.discipline.ntp_now());
        socket.send(packet).await?;
        Ok(socket)
    }
}

/// Hands on what arrives until the next question replaces it. A full queue drops the answer.
async fn listen(socket: UdpSocket, id: SourceId, events: mpsc::Sender<Event>, discipline: Discipline) {
    let mut buffer = [0; MAX_PACKET];
    while let Ok(length) = socket.recv(&mut buffer).await {
        let (at, received) = (NtpInstant::now(), discipline.ntp_now());
        let bytes = buffer.get(..length).unwrap_or_default().to_vec();
        if events
            .try_send(Event::Answer(Answer {
                id,
                bytes,
                at,
                received,
            }))
            .is_err()
        {
            debug!("answer of a time server dropped: more arrive than can be looked at");
        }
    }
}
