//! A session that goes on, shown as it happens. What comes are pieces of its audit trail; whoever runs the command line knows how to play them.

use std::io::{self, Write};

use super::arguments::Common;
use super::output::{self, Streams};
use super::run::{USAGE, conclude};
use crate::backend::Update;
use crate::failure::Failure;
use crate::request::Request;
use crate::response::Response;
use crate::session::Session;

/// Shows what a piece of a trail holds; an empty one is the end.
pub type Player<'a> = &'a mut dyn FnMut(&[u8], &mut dyn Write) -> io::Result<()>;

/// Follows until it ends.
pub(super) fn follow(
    id: &str,
    common: &Common,
    session: &mut dyn Session,
    streams: &mut Streams<'_>,
) -> io::Result<u8> {
    let Some(player) = streams.player.as_mut() else {
        let failure =
            Failure::invalid("a session is not shown here: follow it in the browser, or at a command line");
        return output::error(&failure.into(), common.json, streams).map(|()| USAGE);
    };
    let out = &mut *streams.out;
    let request = Request::SessionFollow { id: id.to_owned() };
    let answer = session.ask(request, "", &mut |update| match update {
        Update::Data(piece) => player(&piece, out).and_then(|()| out.flush()),
        Update::Progress(_) => Ok(()),
    });
    player(&[], out)?;
    let answer = answer.map(|response| match response {
        Response::Done { note } if note.is_empty() => Response::Done {
            note: "the session has ended".into(),
        },
        response => response,
    });
    conclude(answer, common.json, streams)
}
