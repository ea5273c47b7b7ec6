//! Puts a bundle together, streaming.

use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use tar::{Builder, Header};
use thiserror::Error;

use crate::collect::{self, Collected};
use crate::files;
use crate::index::{Entry, Index};
use crate::limits::Limits;
use crate::name::{file_name, folder};
use crate::scrub::Scrubber;
use crate::source::{From, Source};
use crate::standard::Roots;

/// Level of zstd: text becomes a tenth at the speed of the network.
const LEVEL: i32 = 3;
/// The bundle's own list.
const INDEX: &str = "index.json";
/// Largest window of the compressor, as a power of two: the memory it takes.
const WINDOW: u32 = 21;

/// Why there is no bundle.
#[derive(Debug, Error)]
pub enum BundleError {
    /// Starting the compressor.
    #[error("could not start the compressor of the support bundle")]
    Compress(#[source] io::Error),
    /// The place it goes to takes no more.
    #[error("could not write {name} of the support bundle")]
    Write {
        /// The file in the bundle.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The index could not be written out.
    #[error("could not write the index of the support bundle out")]
    Index(#[source] serde_json::Error),
}

/// A bundle to be made.
#[derive(Debug)]
pub struct Bundle {
    host: String,
    time: u64,
    build: String,
    limits: Limits,
    sources: Vec<Source>,
    configuration: Option<std::path::PathBuf>,
}

impl Bundle {
    /// A bundle of the appliance `host` running `build`, begun at `time` (seconds since 1970), with the files of
    /// `roots`.
    #[must_use]
    pub fn new(host: &str, time: u64, build: &str, roots: &Roots) -> Self {
        Self {
            host: host.into(),
            time,
            build: build.into(),
            limits: Limits::default(),
            sources: roots.sources(),
            configuration: roots.state.as_ref().map(|state| state.join("config")),
        }
    }

    /// Adds facts; they come first.
    #[must_use]
    pub fn with_facts(mut self, facts: impl IntoIterator<Item = Source>) -> Self {
        self.sources.splice(0..0, facts);
        self
    }

    /// Other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Name of its file.
    #[must_use]
    pub fn name(&self) -> String {
        file_name(&self.host, self.time, &self.build)
    }

    /// Collects and writes it. Blocks: not for a thread of a runtime.
    ///
    /// # Errors
    /// `out` takes no more. What cannot be collected is no error: it stands in the index.
    pub fn write(self, out: impl Write) -> Result<Index, BundleError> {
        let mut encoder = zstd::Encoder::new(out, LEVEL).map_err(BundleError::Compress)?;
        encoder.window_log(WINDOW).map_err(BundleError::Compress)?;
        let mut writer = Writer {
            begun: Instant::now(),
            limits: self.limits,
            scrubber: learn(self.configuration.as_deref(), &self.limits),
            folder: folder(&self.name()).to_owned(),
            room: self.limits.all,
            tar: Builder::new(encoder),
            index: Index {
                time: self.time,
                host: self.host,
                build: self.build,
                entries: Vec::new(),
            },
        };
        for source in self.sources {
            writer.source(source)?;
        }
        writer.finish()
    }
}

/// The secrets of every revision that can be read.
fn learn(configuration: Option<&Path>, limits: &Limits) -> Scrubber {
    let mut scrubber = Scrubber::default();
    let Some(folder) = configuration else {
        return scrubber;
    };
    let (folder, most) = (folder.to_owned(), limits.files);
    let nodes = collect::within(limits.each, move || {
        let history = folder.join("history");
        let mut paths: Vec<_> = files::names(&history, most)
            .unwrap_or_default()
            .iter()
            .map(|name| history.join(name))
            .collect();
        paths.push(folder.join("node.json"));
        Ok(paths
            .iter()
            .filter_map(|path| collect::node(path).ok())
            .collect::<Vec<_>>())
    });
    for node in nodes.iter().flatten() {
        node.secrets().for_each(|secret| scrubber.learn(secret));
    }
    scrubber
}

struct Writer<W: Write> {
    begun: Instant,
    limits: Limits,
    scrubber: Scrubber,
    folder: String,
    /// Bytes that still fit.
    room: usize,
    tar: Builder<zstd::Encoder<'static, W>>,
    index: Index,
}

impl<W: Write> Writer<W> {
    fn source(&mut self, source: Source) -> Result<(), BundleError> {
        let Source { name, from } = source;
        match collect::expand(name.clone(), from, &self.limits) {
            Ok(files) => files
                .into_iter()
                .try_for_each(|(name, from)| self.file(name, from)),
            Err(why) => {
                self.note_missing(name, why);
                Ok(())
            }
        }
    }

    fn file(&mut self, name: String, from: From) -> Result<(), BundleError> {
        let left = self.limits.total.saturating_sub(self.begun.elapsed());
        let collected: Collected = if left.is_zero() {
            Err("the time of the bundle was over".into())
        } else {
            collect::collect(from, &self.limits, left)
        };
        let content = match collected {
            Ok(content) => content,
            Err(why) => {
                self.note_missing(name, why);
                return Ok(());
            }
        };
        let (bytes, scrubbed) = self.scrubber.scrub(&content.bytes);
        if bytes.len() > self.room {
            self.note_missing(name, "the room of the bundle was used up".into());
            return Ok(());
        }
        self.room -= bytes.len();
        self.append(&name, &bytes)?;
        let bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.index.entries.push(Entry {
            name,
            bytes,
            cut: content.cut,
            scrubbed,
            missing: None,
        });
        Ok(())
    }

    fn note_missing(&mut self, name: String, why: String) {
        self.index.entries.push(Entry {
            name,
            missing: Some(why),
            ..Entry::default()
        });
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> Result<(), BundleError> {
        let mut header = Header::new_gnu();
        header.set_size(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        header.set_mode(0o600);
        header.set_mtime(self.index.time);
        let path = format!("{}/{name}", self.folder);
        self.tar
            .append_data(&mut header, &path, bytes)
            .map_err(|source| BundleError::Write {
                name: name.into(),
                source,
            })
    }

    fn finish(mut self) -> Result<Index, BundleError> {
        let index = serde_json::to_vec_pretty(&self.index).map_err(BundleError::Index)?;
        self.append(INDEX, &index)?;
        let ended = self
            .tar
            .into_inner()
            .and_then(zstd::Encoder::finish)
            .and_then(|mut out| out.flush());
        ended.map_err(|source| BundleError::Write {
            name: INDEX.into(),
            source,
        })?;
        Ok(self.index)
    }
}
