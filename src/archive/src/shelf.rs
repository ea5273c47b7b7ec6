//! A place for objects: a folder of a disk, or a bucket. Blocking.

use std::fmt;
use std::future::Future;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Name;
use object_store::{
    BackoffConfig, GetResult, MultipartUpload, ObjectStore, ObjectStoreExt as _, PutPayload, RetryConfig,
};
use sha2::{Digest as _, Sha256};
use sps_cluster_config::sections::policies::S3;
use sps_config::Secret;
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::error::ShelfError;
use crate::http::Sender;

/// Bytes of a part of a file; a smaller file is sent at once.
const PART: usize = 8 * 1024 * 1024;
/// Most parts of an object (S3: 10,000).
const PARTS: u64 = 9000;
/// Longest wait for one operation: the tries with their pauses, and a part by a slow line.
const OPERATION: Duration = Duration::from_secs(300);
/// Longest silence while an object comes.
const SILENCE: Duration = Duration::from_secs(60);
/// Tries of a request.
const TRIES: usize = 4;
/// Time for all of them.
const TRIES_WITHIN: Duration = Duration::from_secs(120);
/// Longest object that is read into memory.
const MOST_BYTES: usize = 64 * 1024 * 1024;

type Done<T> = Result<T, ShelfError>;

/// A place for objects. Names have parts, with `/` between.
#[derive(Clone)]
pub struct Shelf {
    store: Arc<dyn ObjectStore>,
    prefix: String,
    place: String,
    runtime: Handle,
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shelf({})", self.place)
    }
}

/// A bucket with what opens it.
#[derive(Clone, Copy, Debug)]
pub struct Bucket<'a> {
    /// Its settings.
    pub settings: &'a S3,
    /// The secret of the access key.
    pub secret: &'a Secret,
    /// CAs that are trusted, PEM; the public ones when there are none.
    pub authorities: Option<&'a [String]>,
}

/// What was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Bytes.
    pub size: u64,
    /// SHA-256.
    pub sha256: [u8; 32],
}

impl Shelf {
    /// The folder at `path`, which must be there; `place` is what people call it. Its tasks run on `runtime`.
    ///
    /// # Errors
    /// The folder is not there.
    pub fn directory(path: &Path, place: &str, runtime: &Handle) -> Done<Self> {
        let store = LocalFileSystem::new_with_prefix(path).map_err(|source| ShelfError::Open {
            place: place.to_owned(),
            source: source.into(),
        })?;
        Ok(Self::on(Arc::new(store.with_fsync(true)), "", place, runtime))
    }

    /// A bucket. Nothing is asked of it yet.
    ///
    /// # Errors
    /// Its settings or certificates are not usable.
    pub fn s3(bucket: &Bucket<'_>, runtime: &Handle) -> Done<Self> {
        let S3 {
            endpoint,
            region,
            bucket: name,
            prefix,
            access_key_id,
            path_style,
            ..
        } = bucket.settings;
        let place = format!("{endpoint}, bucket {name}");
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| ShelfError::Open {
            place: place.clone(),
            source,
        };
        let sender = Sender::new(bucket.authorities).map_err(|error| failed(error.into()))?;
        let endpoint = if *path_style {
            endpoint.clone()
        } else {
            with_bucket(endpoint, name)
        };
        let store = AmazonS3Builder::new()
            .with_endpoint(endpoint)
            .with_region(region)
            .with_bucket_name(name)
            .with_access_key_id(access_key_id)
            .with_secret_access_key(bucket.secret.expose())
            .with_virtual_hosted_style_request(!path_style)
            .with_allow_http(true)
            .with_checksum_algorithm(object_store::aws::Checksum::SHA256)
            .with_retry(RetryConfig {
                backoff: BackoffConfig::default(),
                max_retries: TRIES,
                retry_timeout: TRIES_WITHIN,
            })
            .with_http_connector(sender)
            .build()
            .map_err(|error| failed(error.into()))?;
        Ok(Self::on(Arc::new(store), prefix, &place, runtime))
    }

    /// Any store.
    #[must_use]
    pub fn on(store: Arc<dyn ObjectStore>, prefix: &str, place: &str, runtime: &Handle) -> Self {
        Self {
            store,
            prefix: prefix.to_owned(),
            place: place.to_owned(),
            runtime: runtime.clone(),
        }
    }

    /// What people call it.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Stores under `name` what `from` holds, which was hashed before and is `wanted`; `path` is what people call the file. It is there
    /// completely or not at all, and nothing else than what was hashed is ever there.
    ///
    /// # Errors
    /// The file cannot be read, is not what was hashed, or the shelf does not take it.
    pub fn put(&self, name: &str, from: &mut dyn Read, wanted: &Stored, path: &Path) -> Done<()> {
        let key = self.key(name)?;
        let part = PART.max(usize::try_from(wanted.size.div_ceil(PARTS)).unwrap_or(usize::MAX));
        let mut parts = Parts {
            from: Box::new(from.take(wanted.size)),
            part,
            path,
            digest: Sha256::new(),
            size: 0,
        };
        let first = parts.next()?;
        if first.len() < part {
            parts.check(wanted)?;
            let put = self.store.put(&key, PutPayload::from_bytes(first));
            return self.wait("store", name, put).map(|_| ());
        }
        let mut upload = self.wait("begin to store", name, self.store.put_multipart(&key))?;
        let sent = self.send(name, upload.as_mut(), first, &mut parts);
        let all = sent.and_then(|()| parts.check(wanted));
        let all = all.and_then(|()| self.wait("finish storing", name, upload.complete()).map(|_| ()));
        if all.is_err() {
            // What is left of it is no object; the reason counts, not whether it could be tidied up.
            let _left = self.wait("tidy up after", name, upload.abort());
        }
        all
    }

    fn send(
        &self,
        name: &str,
        upload: &mut dyn MultipartUpload,
        first: Bytes,
        parts: &mut Parts<'_>,
    ) -> Done<()> {
        let mut bytes = first;
        while !bytes.is_empty() {
            let sending = upload.put_part(PutPayload::from_bytes(bytes));
            self.wait("store a part of", name, sending)?;
            bytes = parts.next()?;
        }
        Ok(())
    }

    /// Stores bytes under `name`.
    ///
    /// # Errors
    /// The shelf does not take them.
    pub fn put_bytes(&self, name: &str, bytes: Vec<u8>) -> Done<()> {
        let key = self.key(name)?;
        let put = self.store.put(&key, PutPayload::from(bytes));
        self.wait("store", name, put).map(|_| ())
    }

    /// Reads the object into `to` and returns what it was.
    ///
    /// # Errors
    /// It is not there, comes too slowly, or `to` does not take it.
    pub fn get(&self, name: &str, to: &mut dyn Write) -> Done<Stored> {
        let key = self.key(name)?;
        let mut stream = self
            .wait("read", name, self.store.get(&key))
            .map(GetResult::into_stream)?;
        let (mut digest, mut size) = (Sha256::new(), 0);
        while let Some(bytes) = self
            .runtime
            .block_on(async { timeout(SILENCE, stream.next()).await })
            .map_err(|_| ShelfError::Time {
                place: self.place.clone(),
                doing: "read",
                name: name.to_owned(),
                limit: SILENCE,
            })?
        {
            let bytes = bytes.map_err(self.failed("read", name))?;
            digest.update(&bytes);
            size += bytes.len() as u64;
            to.write_all(&bytes).map_err(ShelfError::file(
                "write what was read from the target to",
                "the file",
            ))?;
        }
        Ok(Stored {
            size,
            sha256: digest.finalize().into(),
        })
    }

    /// A small object.
    ///
    /// # Errors
    /// It is not there, or not small.
    pub fn get_bytes(&self, name: &str) -> Done<Vec<u8>> {
        let mut bytes = Bounded(Vec::new());
        match self.get(name, &mut bytes) {
            Err(ShelfError::File { .. }) => Err(ShelfError::TooLong {
                place: self.place.clone(),
                name: name.to_owned(),
                most: MOST_BYTES as u64,
            }),
            read => read.map(|_| bytes.0),
        }
    }

    /// Whether what is there under `name` is what was stored: all of it is read.
    ///
    /// # Errors
    /// It is not, or cannot be read.
    pub fn verify(&self, name: &str, stored: &Stored) -> Done<()> {
        if self.get(name, &mut io::sink())? == *stored {
            return Ok(());
        }
        Err(ShelfError::Differs {
            place: self.place.clone(),
            name: name.to_owned(),
        })
    }

    /// Removes an object.
    pub(crate) fn delete(&self, name: &str) -> Done<()> {
        let key = self.key(name)?;
        self.wait("remove", name, self.store.delete(&key))
    }

    /// Calls `meet` with the name and size of every object below `folder`.
    ///
    /// # Errors
    /// They cannot be listed, or `meet` says so.
    pub fn list(&self, folder: &str, meet: &mut dyn FnMut(&str, u64) -> Done<()>) -> Done<()> {
        let key = self.key(folder)?;
        let skip = if self.prefix.is_empty() {
            0
        } else {
            self.prefix.len() + 1
        };
        let mut stream = self.store.list(Some(&key));
        loop {
            let next = self
                .runtime
                .block_on(async { timeout(OPERATION, stream.next()).await });
            let next = next.map_err(|_| ShelfError::Time {
                place: self.place.clone(),
                doing: "list",
                name: folder.to_owned(),
                limit: OPERATION,
            })?;
            let Some(found) = next else { return Ok(()) };
            match found {
                Ok(found) => meet(
                    found.location.as_ref().get(skip..).unwrap_or_default(),
                    found.size,
                )?,
                Err(object_store::Error::NotFound { .. }) => return Ok(()),
                Err(error) => return Err(self.failed("list", folder)(error)),
            }
        }
    }

    fn key(&self, name: &str) -> Done<Name> {
        let whole = if self.prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{}/{name}", self.prefix)
        };
        Name::parse(&whole).map_err(|_| ShelfError::Name {
            place: self.place.clone(),
            name: name.to_owned(),
        })
    }

    fn failed(&self, doing: &'static str, name: &str) -> impl FnOnce(object_store::Error) -> ShelfError {
        let (place, name) = (self.place.clone(), name.to_owned());
        move |source| ShelfError::Operation {
            place,
            doing,
            name,
            source: Box::new(source),
        }
    }

    fn wait<T>(
        &self,
        doing: &'static str,
        name: &str,
        operation: impl Future<Output = object_store::Result<T>>,
    ) -> Done<T> {
        let ended = self
            .runtime
            .block_on(async { timeout(OPERATION, operation).await });
        ended
            .map_err(|_| ShelfError::Time {
                place: self.place.clone(),
                doing,
                name: name.to_owned(),
                limit: OPERATION,
            })?
            .map_err(self.failed(doing, name))
    }
}

/// `https://bucket.host`: the library takes the bucket out of a given endpoint as it is.
fn with_bucket(endpoint: &str, bucket: &str) -> String {
    endpoint.split_once("://").map_or_else(
        || endpoint.to_owned(),
        |(scheme, host)| format!("{scheme}://{bucket}.{host}"),
    )
}

/// A file in pieces, hashed on its way.
struct Parts<'a> {
    from: Box<dyn Read + 'a>,
    part: usize,
    path: &'a Path,
    digest: Sha256,
    size: u64,
}

impl Parts<'_> {
    /// The next part; a shorter one at the end, then nothing.
    fn next(&mut self) -> Done<Bytes> {
        let mut bytes = Vec::new();
        (&mut self.from)
            .take(self.part as u64)
            .read_to_end(&mut bytes)
            .map_err(ShelfError::file("read", self.path))?;
        self.digest.update(&bytes);
        self.size += bytes.len() as u64;
        Ok(bytes.into())
    }

    /// Whether all that was read is what is wanted.
    fn check(&self, wanted: &Stored) -> Done<()> {
        let sha256: [u8; 32] = self.digest.clone().finalize().into();
        if (self.size, sha256) == (wanted.size, wanted.sha256) {
            return Ok(());
        }
        Err(ShelfError::Changed {
            path: self.path.into(),
        })
    }
}

/// Takes no more than may be read into memory.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MOST_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
