//! Hostile and ordinary DHCP messages.

use super::*;

const MAC: MacAddress = MacAddress([2, 0, 0, 0, 0, 9]);

/// A reply with these options after the cookie.
fn reply(options: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; MIN_MESSAGE];
    bytes[..4].copy_from_slice(&[2, 1, 6, 0]);
    bytes[4..8].copy_from_slice(&7_u32.to_be_bytes());
    bytes[16..20].copy_from_slice(&[10, 0, 2, 15]);
    bytes[28..34].copy_from_slice(&MAC.0);
    bytes[236..240].copy_from_slice(&dhcproto::v4::MAGIC);
    bytes.extend(options);
    bytes
}

const ORDINARY: &[u8] = &[
    53, 1, 5, 54, 4, 10, 0, 2, 2, 51, 4, 0, 0, 14, 16, 1, 4, 255, 255, 255, 0, 3, 4, 10, 0, 2, 2, 6, 8, 10,
    0, 2, 3, 1, 1, 1, 1, 42, 4, 10, 0, 2, 4, 15, 7, b'l', b'a', b'n', b'.', b'o', b'r', b'g', 121, 8, 16,
    172, 20, 10, 0, 2, 9, 0, 255,
];

#[test]
fn an_ordinary_acknowledgement_is_read() {
    let mut options = ORDINARY.to_vec();
    // The classless routes above are cut short on purpose: the rest stands.
    let read = Reply::parse(&reply(&options)).unwrap();
    assert_eq!((read.kind, read.xid, read.client), (ReplyKind::Ack, 7, MAC));
    assert_eq!(read.dns, [Ipv4Addr::new(10, 0, 2, 3), Ipv4Addr::new(1, 1, 1, 1)]);
    assert_eq!(
        (read.ntp, read.domain.as_deref()),
        (vec![Ipv4Addr::new(10, 0, 2, 4)], Some("lan.org"))
    );
    assert_eq!((read.lease, read.routes), (Some(3600), None));

    let at = options.len() - 11;
    options.splice(at.., [121, 12, 16, 172, 20, 10, 0, 2, 9, 0, 10, 0, 2, 1, 255]);
    let routes = Reply::parse(&reply(&options)).unwrap().routes.unwrap();
    assert_eq!(routes[0].destination, Ipv4Addr::new(172, 20, 0, 0));
    assert_eq!(routes[1], Route::default_via([10, 0, 2, 1].into()));
}

#[test]
fn a_malformed_option_does_not_hide_the_next() {
    let read = Reply::parse(&reply(&[
        80, 1, 9, 151, 0, 81, 1, 0, 19, 1, 7, 53, 1, 2, 51, 2, 1, 1, 255,
    ]))
    .unwrap();
    assert_eq!((read.kind, read.lease), (ReplyKind::Offer, None));
}

#[test]
fn options_in_the_overloaded_fields_are_read() {
    let mut bytes = reply(&[52, 1, 3, 255]);
    bytes[108..112].copy_from_slice(&[53, 1, 6, 255]);
    bytes[44..51].copy_from_slice(&[54, 4, 10, 0, 2, 2, 255]);
    let read = Reply::parse(&bytes).unwrap();
    assert_eq!(
        (read.kind, read.server),
        (ReplyKind::Nak, Some(Ipv4Addr::new(10, 0, 2, 2)))
    );
}

#[test]
fn a_domain_name_cannot_smuggle_a_line_into_resolv_conf() {
    let mut options = vec![53, 1, 5, 15, 12];
    options.extend(b"a\nnameserver");
    assert_eq!(Reply::parse(&reply(&options)).unwrap().domain, None);
}

#[test]
fn lists_are_bounded() {
    let mut options = vec![53, 1, 5, 6, 252];
    options.extend([9; 252]);
    options.extend([121, 255]);
    options.extend([[8, 10, 1, 1, 1, 1]; 42].concat());
    options.extend([0, 1, 1]);
    options.extend([121, 2, 1, 1, 255]);
    let read = Reply::parse(&reply(&options)).unwrap();
    assert_eq!(read.dns.len(), MAX_LIST);
    assert_eq!(read.routes.unwrap().len(), MAX_ROUTES);
}

#[test]
fn every_truncation_and_every_single_byte_is_survived() {
    let good = reply(ORDINARY);
    for length in 0..MIN_MESSAGE {
        assert_eq!(Reply::parse(&good[..length]), None, "{length} bytes");
    }
    for at in 0..good.len() {
        for value in 0..=u8::MAX {
            let mut bad = good.clone();
            bad[at] = value;
            let _whatever = Reply::parse(&bad);
        }
    }
}

#[test]
fn own_messages_carry_identity_and_wishes_and_are_not_replies() {
    let kind = MessageKind::Select {
        address: [10, 0, 2, 15].into(),
        server: [10, 0, 2, 2].into(),
    };
    let bytes = encode(
        &ClientMessage {
            kind,
            xid: 5,
            secs: 3,
        },
        MAC,
        Some("sps-1"),
    )
    .unwrap();
    assert!(bytes.len() >= PADDED);
    assert_eq!(Reply::parse(&bytes), None);
    let view = View::new(&bytes).unwrap();
    let option = |code| view.opts().find(|o| o.code() == code).map(|o| o.data().to_vec());
    assert_eq!(option(OptionCode::Hostname).unwrap(), b"sps-1");
    assert_eq!(
        option(OptionCode::ClientIdentifier).unwrap(),
        [1, 2, 0, 0, 0, 0, 9]
    );
    assert_eq!(option(OptionCode::ServerIdentifier).unwrap(), [10, 0, 2, 2]);
    assert!(option(OptionCode::ParameterRequestList).unwrap().contains(&42));
    assert_eq!(
        (view.xid(), view.secs(), view.ciaddr()),
        (5, 3, Ipv4Addr::UNSPECIFIED)
    );
}
