//! The client of the Unix socket, for the command line.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::backend::Update;
use crate::request::Request;
use crate::response::Response;
use crate::session::{Listener, Session, SessionError};
use crate::wire::{self, Answer, Question};

/// A connection to the appliance.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<UnixStream>,
}

impl Client {
    /// Connects to the socket at `path`.
    ///
    /// # Errors
    /// Nobody listens there, or not for this user.
    pub fn connect(path: &Path) -> Result<Self, SessionError> {
        let connected = UnixStream::connect(path).and_then(|stream| {
            stream.set_read_timeout(Some(wire::SILENCE))?;
            stream.set_write_timeout(Some(wire::SILENCE))?;
            Ok(stream)
        });
        let stream = connected.map_err(|source| SessionError::Connect {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    fn answer(&mut self) -> Result<Answer, SessionError> {
        let mut line = Vec::new();
        let mut bounded = (&mut self.stream).take(wire::ANSWER_BYTES as u64);
        bounded
            .read_until(b'\n', &mut line)
            .map_err(SessionError::Silent)?;
        if line.is_empty() {
            return Err(SessionError::Ended);
        }
        serde_json::from_slice(&line).map_err(|_| SessionError::Answer)
    }

    fn send(&mut self, request: Request, message: &str) -> Result<(), SessionError> {
        let question = Question {
            message: message.to_owned(),
            request,
        };
        let line = wire::line(&question).ok_or(SessionError::Ask(io::ErrorKind::InvalidData.into()))?;
        self.stream.get_mut().write_all(&line).map_err(SessionError::Ask)
    }
}

impl Session for Client {
    fn ask(
        &mut self,
        request: Request,
        message: &str,
        listener: &mut Listener<'_>,
    ) -> Result<Response, SessionError> {
        // A server without room answers and closes before it reads: its word counts more than the broken pipe.
        let sent = self.send(request, message);
        loop {
            let answer = match (self.answer(), &sent) {
                (Err(SessionError::Ended | SessionError::Silent(_)), Err(_)) => {
                    return sent.and(Err(SessionError::Ended));
                }
                (answer, _) => answer?,
            };
            match answer {
                Answer::Alive => {}
                Answer::Progress(progress) => {
                    listener(Update::Progress(progress)).map_err(SessionError::Output)?;
                }
                Answer::Data(text) => {
                    let bytes = wire::piece(&text).ok_or(SessionError::Answer)?;
                    listener(Update::Data(bytes)).map_err(SessionError::Output)?;
                }
                Answer::Done(response) => return Ok(*response),
                Answer::Failed(failure) => return Err(failure.into()),
            }
        }
    }
}
