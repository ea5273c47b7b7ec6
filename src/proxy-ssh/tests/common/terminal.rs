//! A shell of the lab, as somebody sits before it.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::time::timeout;

use crate::common::{Lab, USER, USER_PASSWORD};

pub(crate) const WITHIN: Duration = Duration::from_secs(20);

/// A shell on a terminal of 80 columns.
pub(crate) struct Terminal {
    pub(crate) child: Child,
    pub(crate) keys: ChildStdin,
    pub(crate) screen: ChildStdout,
    pub(crate) seen: String,
}

impl Terminal {
    pub(crate) async fn open(lab: &Lab) -> Self {
        // A terminal of `script`, so that it has a size; its shell shows a prompt that nothing else does.
        let mut ssh = lab.client("ssh", USER, USER_PASSWORD);
        ssh.args([
            "-tt",
            "127.0.0.1",
            "stty cols 80 rows 24; PS1='ready> ' exec bash --norc -i",
        ]);
        let mut child = ssh.stdin(Stdio::piped()).spawn().unwrap();
        let (keys, screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut terminal = Self {
            child,
            keys,
            screen,
            seen: String::new(),
        };
        terminal.until("ready> ").await;
        terminal
    }

    /// Types keys one by one, as people do: the next when the one before was answered.
    pub(crate) async fn type_in(&mut self, keys: &str) {
        for key in keys.chars() {
            self.seen.clear();
            self.send(key.to_string().as_bytes()).await;
            self.any().await;
        }
    }

    pub(crate) async fn send(&mut self, keys: &[u8]) {
        self.keys.write_all(keys).await.unwrap();
        self.keys.flush().await.unwrap();
    }

    /// Types a line, and waits for the prompt behind what it does.
    pub(crate) async fn run(&mut self, line: &str) {
        self.seen.clear();
        self.send(line.as_bytes()).await;
        self.until(line.get(line.len() - 4..).unwrap()).await;
        self.seen.clear();
        self.send(b"\r").await;
        self.until("ready> ").await;
        self.seen.clear();
    }

    pub(crate) async fn any(&mut self) {
        let mut bytes = [0; 4096];
        let read = timeout(WITHIN, self.screen.read(&mut bytes)).await;
        let read = read
            .unwrap_or_else(|_| panic!("in time: {:?}", self.seen))
            .unwrap();
        self.seen.push_str(&String::from_utf8_lossy(&bytes[..read]));
        assert!(read > 0, "the terminal closed: {}", self.seen);
    }

    pub(crate) async fn until(&mut self, text: &str) {
        while !self.seen.contains(text) {
            self.any().await;
        }
    }

    /// The session ends because of what was entered.
    pub(crate) async fn ended(mut self) -> String {
        let ended = timeout(WITHIN, self.child.wait())
            .await
            .expect("in time")
            .unwrap();
        let mut said = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .await
            .unwrap();
        assert_eq!(ended.code(), Some(255), "{said}");
        said
    }
}
