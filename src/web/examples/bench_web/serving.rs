//! The server.

use std::io::{self, Read as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use sps_admin::{
    ActionLog, Arrived, Backend, Context, Failure, Jobs, Operations, Origin, Parcel, Request, Standing, Work,
};
use sps_bootlog::BootLog;
use sps_firmware::{ControlStore, Firmware, Incoming, Settings, Steps};
use sps_image::boot_control::{Copy, SIZE};
use sps_image::keys::{SecretKey, Trust};
use sps_image::version::Version;
use sps_web::{
    Administration, ApplianceInfo, BootContent, BootPageSettings, BootServer, BootStatus, Gate, Health,
    Limits, ServerNames, TlsIdentity,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Failed;
use super::appliance::Appliance;

/// Serves until the standard input ends.
pub(super) async fn serve(port: u16, folder: &Path, set_up: bool) -> Result<(), Failed> {
    let appliance = Receiving {
        memory: if set_up {
            Appliance::ready()
        } else {
            Appliance::untouched()
        },
        firmware: Arc::new(firmware(folder)?),
    };
    let healthy = BootStatus {
        health: Health::Healthy,
        ..BootStatus::default()
    };
    let (_sender, status) = watch::channel(healthy);
    let content = BootContent {
        log: BootLog::new(),
        status,
        info: ApplianceInfo {
            product: "Privileged Session Gateway".into(),
            version: "0.1.0".into(),
            channel: "feature".into(),
            build_id: "7f3a9c2e51d04b6e".into(),
            development: true,
            host_name: "gate-01".into(),
        },
        bundles: None,
        administration: Some(administration(appliance)),
        boot_id: "bench".into(),
    };
    let names = ServerNames {
        host_name: "localhost".into(),
        addresses: vec![Ipv4Addr::LOCALHOST.into()],
    };
    let on = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let settings = BootPageSettings {
        http: on(0),
        https: on(port),
        identity: TlsIdentity::generate(&names, SystemTime::now())?,
        limits: Limits::default(),
    };
    let server = BootServer::bind(settings, content).await?;
    println!("ready");
    let stop = CancellationToken::new();
    let ended = stop.clone();
    std::thread::spawn(move || {
        let _ended = io::stdin().read_to_end(&mut Vec::new());
        ended.cancel();
    });
    server.run(stop).await;
    Ok(())
}

/// Slots on a disk, as an appliance has them.
fn firmware(folder: &Path) -> Result<Firmware, Failed> {
    std::fs::create_dir_all(folder.join("slots"))?;
    let settings = Settings {
        boot: folder.to_owned(),
        state: None,
        running: None,
        rescue: None,
        version: Version::new(0, 1, 0),
        trust: Trust::only(SecretKey::development().public()),
        boot_id: "bench".into(),
    };
    Ok(Firmware::open(settings, Box::new(NoControl), &Steps::default())?)
}

fn administration(appliance: Receiving) -> Administration {
    Administration {
        operations: Operations::new(Arc::new(appliance), ActionLog::without_file()),
        jobs: Jobs::default(),
        sessions: tokio::sync::watch::channel(0).1,
        gate: Gate::new(None),
        zone: Arc::new(|| "Europe/Vienna".into()),
        host_name: Arc::new(|| "gate-01".into()),
    }
}

/// Nothing boots from here.
struct NoControl;

impl ControlStore for NoControl {
    fn read(&self, _copy: Copy) -> io::Result<[u8; SIZE]> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn write(&self, _copy: Copy, _bytes: &[u8; SIZE]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// The appliance in memory, but for files that arrive.
struct Receiving {
    memory: Appliance,
    firmware: Arc<Firmware>,
}

impl Backend for Receiving {
    fn standing(&self) -> Standing {
        self.memory.standing()
    }

    fn receive(&self, _origin: &Origin, announced: Option<u64>) -> Result<Box<dyn Parcel>, Failure> {
        let incoming = self.firmware.receive(announced).map_err(|error| failed(&error))?;
        Ok(Box::new(Arriving {
            memory: self.memory.clone(),
            incoming,
        }))
    }

    fn perform<'a>(&'a self, request: Request, context: Context) -> Work<'a> {
        self.memory.perform(request, context)
    }
}

struct Arriving {
    memory: Appliance,
    incoming: Incoming,
}

impl Parcel for Arriving {
    fn write(&mut self, piece: &[u8]) -> Result<(), Failure> {
        self.incoming.write(piece).map_err(|error| failed(&error))
    }

    fn finish(self: Box<Self>) -> Result<Arrived, Failure> {
        let received = self.incoming.finish();
        self.memory.arrived();
        Ok(Arrived {
            bytes: received.size,
            sha256: received.sha256.to_string(),
        })
    }
}

fn failed(error: &sps_firmware::FirmwareError) -> Failure {
    Failure::failed(sps_bootlog::causes(error))
}
