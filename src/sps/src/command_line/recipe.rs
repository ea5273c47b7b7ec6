//! `sps routing-recipe`: what a router must be told.

use std::io::{self, Write};

use sps_proxy_engine::{Router, Routing, recipe};

use super::arguments::{RecipeArgs, RouterKind};

const DONE: u8 = 0;
/// What was given cannot be so.
const WRONG: u8 = 2;
/// The output was closed.
pub(super) const BROKEN: u8 = 1;

/// Prints the recipe, or why there is none.
pub(super) fn print(arguments: &RecipeArgs, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<u8> {
    let router = match arguments.router {
        RouterKind::Linux => Router::Linux,
        RouterKind::Cisco => Router::Cisco,
        RouterKind::Sophos => Router::Sophos,
    };
    let routing = Routing {
        appliance: arguments.appliance,
        interface: arguments.interface.clone(),
        clients: arguments.clients.clone(),
        servers: arguments.servers.clone(),
        networks: arguments.networks.clone(),
        ports: arguments.ports.clone(),
        original_source: arguments.original_source,
    };
    match recipe(router, &routing) {
        Ok(text) => out.write_all(text.as_bytes()).map(|()| DONE),
        Err(error) => writeln!(err, "sps routing-recipe: {error}").map(|()| WRONG),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(network: &str) -> (u8, String, String) {
        let arguments = RecipeArgs {
            router: RouterKind::Linux,
            appliance: "192.0.2.10".parse().unwrap(),
            interface: "eth2".into(),
            clients: "eth0".into(),
            servers: "eth1".into(),
            networks: vec![network.parse().unwrap()],
            ports: vec![22],
            original_source: false,
        };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let status = print(&arguments, &mut out, &mut err).unwrap();
        (
            status,
            String::from_utf8(out).unwrap(),
            String::from_utf8(err).unwrap(),
        )
    }

    #[test]
    fn a_recipe_is_printed_or_what_is_wrong() {
        let (status, out, err) = printed("10.0.0.0/24");
        assert_eq!((status, err.as_str()), (DONE, ""));
        assert!(out.contains("-i eth0 -p tcp -d 10.0.0.0/24 --dport 22"), "{out}");
        let (status, out, err) = printed("2001:db8::/32");
        assert_eq!((status, out.as_str()), (WRONG, ""));
        assert!(err.contains("of the other address family"), "{err}");
    }
}
