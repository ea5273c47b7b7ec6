//! Every rule, with what it says.

use super::*;
use crate::secret::Secret;

fn with(change: impl FnOnce(&mut Node)) -> String {
    let mut node = Node::default();
    change(&mut node);
    node.check()
        .map_or_else(|error| error.to_string(), |()| "fine".into())
}

fn at(name: &str, address: &str, gateway: Option<&str>) -> (String, Interface) {
    let ipv4 = Ipv4::Static {
        address: address.parse().unwrap(),
        gateway: gateway.map(|gateway| gateway.parse().unwrap()),
    };
    (name.into(), Interface { ipv4 })
}

fn with_interfaces<const N: usize>(interfaces: [(String, Interface); N]) -> String {
    with(|node| node.network.interfaces = interfaces.into())
}

#[test]
fn the_default_document_and_common_ones_are_fine() {
    assert_eq!(with(|_| ()), "fine");
    let pair = [
        at("eth0", "192.0.2.5/24", Some("192.0.2.1")),
        at("eth1", "198.51.100.1/31", None),
    ];
    assert_eq!(with_interfaces(pair), "fine");
    assert_eq!(
        with_interfaces([at("eth0", "203.0.113.0/31", Some("203.0.113.1"))]),
        "fine"
    );
    let key =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f admin@example";
    assert_eq!(
        with(|node| node.administrators.ssh_keys = vec![key.into()]),
        "fine"
    );
}

#[test]
fn every_offence_names_path_reason_and_mend() {
    let texts = [
        with(|node| node.network.host_name = "-sps.example".into()),
        with(|node| node.network.domain = Some("a..b".into())),
        with(|node| node.network.dns = vec![[192, 0, 2, 1].into(); 4]),
        with(|node| node.network.dns = vec![[0, 0, 0, 0].into()]),
        with_interfaces([at("eth/0", "192.0.2.5/24", None)]),
        with_interfaces([at("eth0", "192.0.2.5/0", None)]),
        with_interfaces([at("eth0", "192.0.2.0/24", None)]),
        with_interfaces([at("eth0", "192.0.2.255/24", None)]),
        with_interfaces([at("eth0", "224.0.0.5/24", None)]),
        with_interfaces([at("eth0", "192.0.2.5/24", Some("192.0.3.1"))]),
        with_interfaces([at("eth0", "192.0.2.5/24", Some("192.0.2.5"))]),
        with_interfaces([at("eth0", "192.0.2.5/24", Some("192.0.2.255"))]),
        with_interfaces([at("eth0", "192.0.2.5/24", None), at("eth1", "192.0.2.5/25", None)]),
        with_interfaces([
            at("eth0", "192.0.2.5/24", Some("192.0.2.1")),
            at("eth1", "198.51.100.5/24", Some("198.51.100.1")),
        ]),
        with(|node| node.administrators.console_password = Some(Secret::from("plain".to_owned()))),
        with(|node| node.administrators.ssh_keys = vec!["ssh-dss AAAAB3NzaC1kc3MAAAAA x".into()]),
        with(|node| node.administrators.ssh_keys = vec!["ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAA".into()]),
        with(|node| node.time.servers = vec![TimeServer::Name("no name".into())]),
        with(|node| node.time.servers = vec![TimeServer::Address([127, 0, 0, 1].into())]),
        with(|node| node.firmware.commit_after_hours = 9000),
        with(|node| node.rescue.ssh = RescueSsh::Interfaces(vec!["a name too long for it".into()])),
    ];
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn an_offence_never_shows_a_secret() {
    let text = with(|node| node.administrators.console_password = Some(Secret::from("hunter2".to_owned())));
    assert!(!text.contains("hunter2"), "{text}");
}
