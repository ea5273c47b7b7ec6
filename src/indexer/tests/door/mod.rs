//! An appliance's door for indexers on loopback, hosts that come to it, and a relay that can be cut.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
use sps_indexer::{Fingerprint, Host, HostKeys, HostSettings, Hub, Identity, Reader, Stop, Trust, Worker};

use crate::common::Lab;

pub(crate) const VERSION: &str = "7.1.0";
/// Longest wait for anything.
const WITHIN: Duration = Duration::from_secs(60);
/// Longest wait between two looks, when nothing wakes the worker.
const LOOK: Duration = Duration::from_millis(20);

/// The appliance's side.
pub(crate) struct Door {
    pub(crate) hub: Arc<Hub>,
    pub(crate) address: SocketAddr,
    identity: Identity,
    hosts: BTreeMap<String, Identity>,
}

impl Door {
    /// For hosts of these names, on a port of its own.
    pub(crate) fn new(lab: &Lab, names: &[&str]) -> Self {
        let hub = Arc::new(Hub::new(VERSION, lab.queue.clone()));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let taking = hub.clone();
        // Until the test ends.
        thread::spawn(move || {
            while let Ok((socket, peer)) = listener.accept() {
                taking.take(socket, peer);
            }
        });
        let hosts = names
            .iter()
            .map(|name| ((*name).to_owned(), Identity::make().unwrap()));
        let door = Self {
            hub,
            address,
            identity: Identity::make().unwrap(),
            hosts: hosts.collect(),
        };
        door.trust(names);
        door
    }

    /// These may come from now on.
    pub(crate) fn trust(&self, names: &[&str]) {
        let hosts = names.iter().map(|name| {
            let print = Fingerprint::of_pem(self.hosts[*name].certificate()).unwrap();
            (print, (*name).to_owned())
        });
        self.hub
            .set_trust(Some(Trust::new(&self.identity, hosts.collect()).unwrap()));
    }

    /// The configuration of a host, two workers.
    pub(crate) fn settings(&self, name: &str) -> HostSettings {
        HostSettings {
            name: name.into(),
            address: self.address.ip().to_string(),
            port: self.address.port(),
            appliance: Fingerprint::of_pem(self.identity.certificate()).unwrap(),
            identity: self.hosts[name].clone(),
            workers: Some(2),
        }
    }

    pub(crate) fn host(
        &self,
        name: &str,
        keys: HostKeys,
        version: &str,
        reader: impl Reader + 'static,
    ) -> Running {
        self.host_with(&self.settings(name), keys, version, reader)
    }

    pub(crate) fn host_with(
        &self,
        settings: &HostSettings,
        keys: HostKeys,
        version: &str,
        reader: impl Reader + 'static,
    ) -> Running {
        // As on the way to a host.
        let workers = settings.workers;
        let settings = HostSettings::parse(&settings.text().unwrap()).unwrap();
        assert_eq!(settings.workers, workers);
        let host = Host::new(settings, keys, Box::new(reader), version, "elsewhere").unwrap();
        let stop = Stop::default();
        let asked = stop.clone();
        let thread = thread::spawn(move || host.run(&asked).unwrap());
        Running { stop, thread }
    }

    pub(crate) fn is_connected(&self, name: &str) -> bool {
        let report = self.hub.report();
        report
            .hosts
            .iter()
            .any(|host| host.name == name && host.since.is_some())
    }

    /// Lets the appliance's worker work until something is so.
    pub(crate) fn until(&self, lab: &Lab, worker: &mut Worker, mut is_so: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < WITHIN, "{:#?}", self.hub.report());
            worker.step(&lab.queue).unwrap();
            lab.sessions.flush(WITHIN).unwrap();
            lab.queue.wait(LOOK);
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.hub.close();
    }
}

/// A host that works.
pub(crate) struct Running {
    stop: Stop,
    thread: JoinHandle<()>,
}

impl Running {
    pub(crate) fn ask(&self) {
        self.stop.stop();
    }

    pub(crate) fn within(&self, most: Duration) {
        self.stop.within(most);
    }

    /// Stops it, and waits until it has.
    pub(crate) fn stop(self) {
        if !self.stop.is_asked() {
            self.stop.stop();
        }
        self.thread.join().unwrap();
    }
}

/// A connection from another address of loopback.
pub(crate) fn from(address: [u8; 4], to: SocketAddr) -> TcpStream {
    let opened = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&opened, &SocketAddr::new(IpAddr::from(address), 0)).unwrap();
    connect(&opened, &to).unwrap();
    opened.into()
}

/// Passes bytes on, until it is cut.
pub(crate) struct Relay {
    pub(crate) port: u16,
    sockets: Arc<Mutex<Vec<TcpStream>>>,
}

impl Relay {
    pub(crate) fn new(to: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let sockets = Arc::new(Mutex::new(Vec::new()));
        let kept = sockets.clone();
        thread::spawn(move || {
            // One connection: after the cut nobody comes through.
            let (near, _) = listener.accept().unwrap();
            let far = TcpStream::connect(to).unwrap();
            for (from, to) in [(&near, &far), (&far, &near)] {
                let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                thread::spawn(move || pass(from, to));
            }
            kept.lock().unwrap().extend([near, far]);
        });
        Self { port, sockets }
    }

    pub(crate) fn cut(&self) {
        for socket in self.sockets.lock().unwrap().iter() {
            drop(socket.shutdown(Shutdown::Both));
        }
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    let mut piece = vec![0; 4096];
    while let Ok(count @ 1..) = from.read(&mut piece) {
        if to.write_all(&piece[..count]).is_err() {
            return;
        }
    }
}
