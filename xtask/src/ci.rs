//! `cargo xtask ci`: exactly what continuous integration runs.

use anyhow::Result;
use clap::Args;

use crate::project::Project;
use crate::test::Test;

/// What .ci/run does: set-up, tidy and every test.
#[derive(Debug, Args)]
pub(crate) struct Ci {}

impl Ci {
    pub(crate) fn run(self, project: &Project) -> Result<()> {
        Test::everything().run(project)
    }
}
