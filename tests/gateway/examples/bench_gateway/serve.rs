//! A gateway in a process of its own, so that what it costs can be told from what the others do.

use std::path::Path;

use anyhow::{Context as _, Result};
use sps_gateway_tests::{ground, policies};
use tokio::io::{AsyncReadExt as _, stdin};

/// Serves until its standard input ends. `audit` is `off`, `plain` or the file of a certificate.
pub(super) async fn serve(folder: &Path, server: u16, audit: &str) -> Result<()> {
    let encryption = match audit {
        "off" | "plain" => vec![],
        file => vec![std::fs::read_to_string(file).context("read the certificate")?],
    };
    let port = policies::free_port()?;
    let document = policies::to_server(port, server, audit != "off", encryption);
    let running = ground::start(folder, &document, ([0, 0, 0, 0], port).into())?;
    println!("{port}");
    stdin().read_to_end(&mut Vec::new()).await?;
    running.proxy.shut_down().await;
    Ok(())
}
