//! Shelves that fail at a given call, a keeper whose power is cut, folders to back up.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Name;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult,
};
use sps_archive::{Keeper, KeeperError, Note, Shelf, Trail, Trails};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A folder in memory.
pub(crate) fn scratch() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap()
}

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

/// Counts steps and stops before one of them.
#[derive(Clone, Debug)]
pub(crate) struct Power(Arc<(AtomicUsize, usize)>);

impl Power {
    pub(crate) fn cut_before(step: usize) -> Self {
        Self(Arc::new((AtomicUsize::new(0), step)))
    }

    pub(crate) fn steps(&self) -> usize {
        self.0.0.load(Ordering::SeqCst)
    }

    /// Whether there is power for one more step; after a cut there is never any.
    fn lasts(&self) -> bool {
        self.0.0.fetch_add(1, Ordering::SeqCst) < self.0.1
    }
}

/// A folder as a store whose power may be cut.
#[derive(Debug)]
pub(crate) struct Faulty {
    store: LocalFileSystem,
    power: Power,
}

impl Faulty {
    pub(crate) fn shelf(folder: &Path, power: &Power, runtime: &Runtime) -> Shelf {
        let store = Self {
            store: LocalFileSystem::new_with_prefix(folder).unwrap(),
            power: power.clone(),
        };
        Shelf::on(Arc::new(store), "", "the disk backup", runtime.handle())
    }

    fn step(&self) -> object_store::Result<()> {
        if self.power.lasts() {
            return Ok(());
        }
        Err(object_store::Error::Generic {
            store: "test",
            source: "the power is gone".into(),
        })
    }
}

impl std::fmt::Display for Faulty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("faulty")
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(
        &self,
        at: &Name,
        payload: PutPayload,
        options: PutOptions,
    ) -> object_store::Result<PutResult> {
        self.step()?;
        self.store.put_opts(at, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        at: &Name,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.step()?;
        self.store.put_multipart_opts(at, options).await
    }

    async fn get_opts(&self, at: &Name, options: GetOptions) -> object_store::Result<GetResult> {
        self.step()?;
        self.store.get_opts(at, options).await
    }

    async fn get_ranges(&self, at: &Name, ranges: &[Range<u64>]) -> object_store::Result<Vec<Bytes>> {
        self.store.get_ranges(at, ranges).await
    }

    fn delete_stream(
        &self,
        names: BoxStream<'static, object_store::Result<Name>>,
    ) -> BoxStream<'static, object_store::Result<Name>> {
        let power = self.power.clone();
        let allowed = names.map(move |name| {
            if power.lasts() {
                return name;
            }
            Err(object_store::Error::Generic {
                store: "test",
                source: "the power is gone".into(),
            })
        });
        self.store.delete_stream(allowed.boxed())
    }

    fn list(&self, prefix: Option<&Name>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        match self.step() {
            Ok(()) => self.store.list(prefix),
            Err(error) => Box::pin(futures_util::stream::once(async { Err(error) })),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Name>) -> object_store::Result<ListResult> {
        self.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Name, to: &Name, options: CopyOptions) -> object_store::Result<()> {
        self.store.copy_opts(from, to, options).await
    }
}

/// What a session database and a data store keep over a power cut.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) trails: Vec<Trail>,
    pub(crate) notes: BTreeMap<String, Note>,
    pub(crate) gone: Vec<String>,
    /// How often a local file was removed.
    pub(crate) removed: BTreeMap<String, u32>,
}

/// Keeps trails in a folder.
pub(crate) struct Keeping<'a> {
    pub(crate) kept: &'a mut Kept,
    pub(crate) folder: PathBuf,
    pub(crate) power: Power,
}

impl Keeping<'_> {
    fn step(&self) -> Result<(), KeeperError> {
        if self.power.lasts() {
            Ok(())
        } else {
            Err("the power is gone".into())
        }
    }
}

impl Keeper for Keeping<'_> {
    fn due(&mut self, from: Option<i64>) -> Result<Trails, KeeperError> {
        self.step()?;
        // Two at a time.
        let first = usize::try_from(from.unwrap_or(0))?;
        let due = self.kept.trails.iter().skip(first).take(2);
        let open = due.filter(|trail| !self.kept.notes.contains_key(&trail.id));
        let next = first + 2;
        Ok(Trails {
            due: open.cloned().collect(),
            next: (next < self.kept.trails.len()).then_some(i64::try_from(next)?),
        })
    }

    fn open(&mut self, trail: &Trail) -> Result<Option<(File, PathBuf)>, KeeperError> {
        self.step()?;
        let path = self.folder.join(&trail.name);
        match File::open(&path) {
            Ok(file) => Ok(Some((file, path))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn record(&mut self, id: &str) -> Result<Vec<u8>, KeeperError> {
        self.step()?;
        Ok(format!("{{\"id\":\"{id}\"}}").into_bytes())
    }

    fn note(&mut self, note: Note) -> Result<(), KeeperError> {
        self.step()?;
        self.kept.notes.entry(note.id.clone()).or_insert(note);
        Ok(())
    }

    fn remove(&mut self, id: &str, name: &str) -> Result<(), KeeperError> {
        assert!(self.kept.notes.contains_key(id), "{id} goes without a note");
        self.step()?;
        if fs::remove_file(self.folder.join(name)).is_ok() {
            *self.kept.removed.entry(id.to_owned()).or_default() += 1;
        }
        Ok(())
    }

    fn still_here(&mut self) -> Result<Vec<(String, String)>, KeeperError> {
        self.step()?;
        let noted = self.kept.trails.iter();
        let here = noted
            .filter(|trail| self.kept.notes.contains_key(&trail.id) && !self.kept.gone.contains(&trail.id));
        Ok(here.map(|trail| (trail.id.clone(), trail.name.clone())).collect())
    }

    fn gone(&mut self, ids: Vec<String>) -> Result<(), KeeperError> {
        self.step()?;
        self.kept.gone.extend(ids);
        Ok(())
    }
}

/// Trails in a folder, the first larger than one part.
pub(crate) fn trails(folder: &Path, large: bool) -> (Kept, BTreeMap<String, Vec<u8>>) {
    let (mut kept, mut contents) = (Kept::default(), BTreeMap::new());
    for number in 0..3_u8 {
        let id = format!("ssh-2026051{number}-1");
        let size = if number == 0 && large { 9 << 20 } else { 300 };
        let content: Vec<u8> = (0..size)
            .map(|at: usize| (at / 1000) as u8 ^ (at as u8) ^ number)
            .collect();
        let name = format!("2026/05/1{number}/{id}.zat");
        let path = folder.join(&name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &content).unwrap();
        kept.trails.push(Trail {
            id: id.clone(),
            name,
            size: content.len() as u64,
        });
        contents.insert(id, content);
    }
    (kept, contents)
}

/// Every file below a folder with its content.
pub(crate) fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fn visit(root: &Path, folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(root, &path, found);
            } else {
                found.insert(path.strip_prefix(root).unwrap().into(), fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    visit(folder, folder, &mut found);
    found
}
