//! `upgrade-store ROOT LAYOUT`: what the new firmware does with the store in a folder, for tests that kill it.

use std::env;
use std::path::Path;

use anyhow::{Context, Result};
use sps_data_store_tests::scene::{NEW, start};
use sps_datastore::Steps;

fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let root = arguments.next().context("which store?")?;
    let layout = arguments.next().context("which layout?")?.parse()?;
    start(Path::new(&root), NEW, layout, &Steps::default())?;
    Ok(())
}
