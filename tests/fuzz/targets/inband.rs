//! Names that people log in with, in which they name the server: what is understood is a host name or an address, and can be said again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sps_proxy_engine::{Host, Kind, Login};

fuzz_target!(|text: &str| {
    if let Ok(host) = Host::parse(text) {
        let again = host.to_string();
        assert_eq!(
            Host::parse(&again).as_ref(),
            Ok(&host),
            "{text:?} became {again:?}"
        );
    }
    let _plain = Login::plain(text);
    let _named = Login::inband(text);
    let _server = Login::server(text);
    let _kind = Kind::of_command(text);
});
