//! Events as JSON, one a line: for scripts and searches.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::event::{Event, Exit, Kind};
use crate::head::Head;

/// Lines of JSON, the first one about the session.
#[derive(Debug)]
pub struct EventLines;

impl EventLines {
    /// Begins with the head.
    pub fn new(head: &Head, out: &mut Vec<u8>) -> Self {
        let facts: Map<String, Value> = head
            .facts
            .iter()
            .map(|fact| (fact.name.to_string(), fact.text.clone().into()))
            .collect();
        let first = json!({
            "session": head.session, "start": head.start, "protocol": head.protocol.as_str(),
            "connection": head.connection, "facts": facts,
        });
        line(&first, out);
        Self
    }

    /// Adds an event. Bytes stand under `text` when they are UTF-8, else under `base64`.
    pub fn event(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        let mut value = fields(&event.kind);
        // The exact number of microseconds, as the format has it.
        value["at"] = event.at.into();
        value["channel"] = event.channel.into();
        line(&value, out);
    }
}

fn fields(kind: &Kind<'_>) -> Value {
    match kind {
        Kind::ChannelOpened { kind, detail } => {
            json!({ "event": "channel-opened", "kind": kind, "detail": detail })
        }
        Kind::ChannelClosed => json!({ "event": "channel-closed" }),
        Kind::Terminal { term, columns, rows } => {
            json!({ "event": "terminal", "term": term, "columns": columns, "rows": rows })
        }
        Kind::Resize { columns, rows } => json!({ "event": "resize", "columns": columns, "rows": rows }),
        Kind::Exec { command } => bytes(json!({ "event": "exec" }), "text", command),
        Kind::Subsystem { name } => json!({ "event": "subsystem", "name": name }),
        Kind::Output { data, is_stderr } => {
            bytes(json!({ "event": "output", "stderr": is_stderr }), "text", data)
        }
        Kind::Input { data } => bytes(json!({ "event": "input" }), "text", data),
        Kind::File {
            operation,
            path,
            bytes: count,
            result,
        } => {
            let file = json!({ "event": "file", "operation": operation, "bytes": count, "result": result });
            bytes(file, "path", path)
        }
        Kind::Forward {
            address,
            port,
            origin,
        } => json!({ "event": "forward", "address": address, "port": port, "origin": origin }),
        Kind::Exit(Exit::Status(status)) => json!({ "event": "exit", "status": status }),
        Kind::Exit(Exit::Signal(signal)) => json!({ "event": "exit", "signal": signal }),
        Kind::Found { kind, text } => json!({ "event": "found", "kind": kind, "text": text }),
        Kind::Note { text } => json!({ "event": "note", "text": text }),
    }
}

fn bytes(mut value: Value, name: &str, bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => value[name] = text.into(),
        Err(_) => value["base64"] = STANDARD.encode(bytes).into(),
    }
    value
}

fn line(value: &Value, out: &mut Vec<u8>) {
    out.extend_from_slice(value.to_string().as_bytes());
    out.push(b'\n');
}
