//! What is measured, where those find it who watch the appliance.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use sps_gateway::Gateway;
use sps_proxy_ssh::{Meter, SshProxy};

/// What there is to look at. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Gauges {
    /// What the SSH proxy has done since the start.
    pub(crate) ssh: Arc<Meter>,
    serving: Arc<Mutex<Serving>>,
}

/// Who serves SSH sessions now.
#[derive(Clone, Default)]
struct Serving {
    proxy: Weak<SshProxy>,
    gateway: Weak<Gateway>,
}

impl Gauges {
    /// From now on these serve.
    pub(crate) fn serve(&self, proxy: &Arc<SshProxy>, gateway: &Arc<Gateway>) {
        *self.serving.lock().unwrap_or_else(PoisonError::into_inner) = Serving {
            proxy: Arc::downgrade(proxy),
            gateway: Arc::downgrade(gateway),
        };
    }

    /// Who serves, if anybody does.
    pub(crate) fn serving(&self) -> Option<(Arc<SshProxy>, Arc<Gateway>)> {
        let serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner);
        Some((serving.proxy.upgrade()?, serving.gateway.upgrade()?))
    }
}
