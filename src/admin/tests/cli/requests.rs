//! What each command asks.

use sps_admin::Response;

use crate::lab::{run, run_with};

fn asked(line: &str) -> String {
    let outcome = run(line, Ok(Response::Done { note: String::new() }));
    let (request, message) = outcome.asked.first().expect("it asks something");
    format!(
        "{line}\n    {} {message:?}\n",
        serde_json::to_string(request).unwrap()
    )
}

#[test]
fn commands_become_requests() {
    let lines = [
        "status",
        "log -n 5",
        "firmware list",
        "firmware media --json",
        "firmware add sps-7.1.0.iso --message tuesday",
        "firmware add /dev/sr0",
        "firmware fetch https://server.example/sps.iso --sha256 00ff",
        "firmware ssh-upload on",
        "firmware activate 2 -m tuesday",
        "firmware rollback",
        "firmware commit",
        "firmware delete 3",
        "firmware forget 0123",
        "network show",
        "network set --host-name sps1",
        "network set --interface eth0 --dhcp",
        "network set --interface eth0 --address 192.0.2.5/24 --gateway 192.0.2.1 --dns 192.0.2.2 --dns 2001:db8::1",
        "network set --interface eth1 --off --no-dns --no-domain",
        "reboot --reason kernel",
        "shutdown",
        "seal",
        "licence show",
        "unseal",
        "support-bundle --medium",
        "support-bundle --download",
        "install disks",
        "install plan sda",
        "install run sda --confirm sda --keep-data",
        "archive show",
        "archive run",
        "archive run old -m tuesday",
        "backup run nightly",
        "backup list --json",
        "backup restore nightly 20270115T080000Z --appliance sps-1",
        "normal-boot",
    ];
    insta::assert_snapshot!(lines.map(asked).concat());
}

#[test]
fn a_licence_file_is_read_where_the_command_is_typed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("own.lic"), "sps-licence-1\n").unwrap();
    std::fs::write(folder.path().join("film"), vec![b'a'; 16 * 1024 + 1]).unwrap();
    let add = |name: &str| {
        let done = Ok(Response::Done { note: String::new() });
        run_with(
            &format!("licence add {name} -m tuesday"),
            Vec::new(),
            done,
            folder.path(),
            false,
        )
    };
    let (request, message) = &add("own.lic").asked[0];
    let json = serde_json::to_string(request).unwrap();
    assert_eq!(
        (json.as_str(), message.as_str()),
        (r#"{"licence-set":{"file":"sps-licence-1\n"}}"#, "tuesday")
    );
    for (name, words) in [("film", "more than 16384 bytes"), ("none.lic", "could not read")] {
        let outcome = add(name);
        assert_eq!(
            (outcome.status, outcome.asked.len()),
            (sps_admin::cli::USAGE, 0),
            "{outcome}"
        );
        assert!(outcome.err.contains(words), "{outcome}");
    }
}

#[test]
fn a_slip_of_the_finger_installs_nothing() {
    let outcome = run(
        "install run sda --confirm sdb",
        Ok(Response::Done { note: String::new() }),
    );
    assert_eq!((outcome.status, outcome.asked.len()), (sps_admin::cli::USAGE, 0));
    assert!(outcome.err.contains("nothing was done"), "{outcome}");
}

#[test]
fn a_change_of_nothing_is_a_mistake() {
    let outcome = run("network set", Ok(Response::Done { note: String::new() }));
    assert_eq!((outcome.status, outcome.asked.len()), (sps_admin::cli::USAGE, 0));
}
