//! Measures the SSH proxy: `bench_gateway all FOLDER` prints one JSON document; `cargo xtask bench gateway` runs it. The other words are
//! the processes that it starts: `serve` is a gateway, `null` a server that takes everybody and says nothing.

mod bulk;
mod commands;
mod crowd;
mod echo;
mod processes;
mod serve;

use std::path::Path;

use anyhow::{Context as _, Result, bail};

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("start the runtime")?;
    match words.as_slice() {
        ["serve", folder, server, audit] => {
            runtime.block_on(serve::serve(Path::new(folder), server.parse()?, audit))
        }
        ["null"] => runtime.block_on(serve::null()),
        ["bulk", folder] => print(&bulk::measure(Path::new(folder))?),
        ["echo", folder] => print(&runtime.block_on(echo::measure(Path::new(folder)))?),
        ["commands", folder] => print(&runtime.block_on(commands::measure(Path::new(folder)))?),
        ["idle", folder] => print(&runtime.block_on(crowd::idle(Path::new(folder)))?),
        ["rate", folder] => print(&runtime.block_on(crowd::rate(Path::new(folder)))?),
        ["logins", folder] => print(&crowd::logins(Path::new(folder))?),
        ["churn", folder, minutes] => runtime.block_on(crowd::churn(Path::new(folder), minutes.parse()?)),
        _ => bail!("bulk, commands, echo, idle, rate or logins, and a folder; churn FOLDER MINUTES"),
    }
}

fn print<T: serde::Serialize>(measured: &T) -> Result<()> {
    println!("{}", serde_json::to_string(measured)?);
    Ok(())
}
