//! Requests and answers, whole and in pieces.

use super::framing::LONGEST;
use super::*;

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = u32::try_from(body.len() + 1).unwrap().to_be_bytes().to_vec();
    out.push(kind);
    out.extend_from_slice(body);
    out
}

fn text(text: &[u8]) -> Vec<u8> {
    let mut out = u32::try_from(text.len()).unwrap().to_be_bytes().to_vec();
    out.extend_from_slice(text);
    out
}

fn request(kind: u8, id: u32, fields: &[&[u8]]) -> Vec<u8> {
    packet(kind, &[&id.to_be_bytes()[..], &fields.concat()].concat())
}

fn open(id: u32, path: &str, flags: u32) -> Vec<u8> {
    request(
        OPEN,
        id,
        &[&text(path.as_bytes()), &flags.to_be_bytes(), &0_u32.to_be_bytes()],
    )
}

fn passed(data: &[u8], out: &[Out]) -> Vec<u8> {
    let parts = out.iter().map(|out| match out {
        Out::Pass(range) => &data[range.clone()],
        Out::Held(held) => held.as_slice(),
    });
    parts.collect::<Vec<_>>().concat()
}

fn all() -> Sftp {
    Sftp::new(Operation::ALL.map(|(_, operation)| operation).into())
}

/// A file is written and closed, another read, a third removed: what is said before there are handles, and then.
fn story() -> [(Vec<u8>, Vec<u8>); 2] {
    let data = [b'x'; 5000];
    let status = |id, code: u32| request(STATUS, id, &[&code.to_be_bytes(), &text(b""), &text(b"")]);
    let begin = [
        packet(INIT, &3_u32.to_be_bytes()),
        open(1, "/a", 0x1a),
        open(4, "/b", 1),
    ];
    let begun = [
        packet(2, &3_u32.to_be_bytes()),
        request(HANDLE, 1, &[&text(b"h1")]),
        request(HANDLE, 4, &[&text(b"h2")]),
    ];
    let requests = [
        request(WRITE, 2, &[&text(b"h1"), &0_u64.to_be_bytes(), &text(&data)]),
        request(CLOSE, 3, &[&text(b"h1")]),
        request(
            READ,
            5,
            &[&text(b"h2"), &0_u64.to_be_bytes(), &32768_u32.to_be_bytes()],
        ),
        request(CLOSE, 6, &[&text(b"h2")]),
        request(13, 7, &[&text(b"/c")]),
    ];
    let answers = [
        status(2, 0),
        status(3, 0),
        request(DATA, 5, &[&text(&[b'y'; 700])]),
        status(6, 0),
        status(7, 3),
    ];
    [
        (begin.concat(), begun.concat()),
        (requests.concat(), answers.concat()),
    ]
}

fn told(events: Vec<FileEvent>) -> Vec<(Done, String, Option<u64>, String)> {
    let told = |event: FileEvent| (event.done, event.path, event.bytes, event.result);
    events.into_iter().map(told).collect()
}

#[test]
fn what_is_done_is_told_and_everything_passes_however_it_is_cut() {
    let wanted = [
        (Done::Write, "/a".to_owned(), Some(5000), "ok".to_owned()),
        (Done::Read, "/b".into(), Some(700), "ok".into()),
        (Done::Delete, "/c".into(), None, "permission denied".into()),
    ];
    for piece in [1, 2, 3, 7, 100, 4096, 100_000] {
        let mut sftp = all();
        for (requests, answers) in story() {
            let mut sent = Vec::new();
            for part in requests.chunks(piece) {
                let out = sftp.requests(part).unwrap();
                sent.extend(passed(part, &out));
            }
            assert_eq!(sent, requests, "{piece}");
            for part in answers.chunks(piece) {
                sftp.answers(part).unwrap();
            }
        }
        assert!(sftp.is_between_answers() && sftp.refusals().is_empty());
        assert_eq!(told(sftp.events()), wanted, "{piece}");
        assert!(sftp.end().is_empty() && sftp.asked.is_empty());
    }
}

#[test]
fn what_is_not_allowed_never_reaches_the_server_and_is_answered() {
    let readers = || Sftp::new([Operation::Read, Operation::List].into());
    let rename = |id| {
        request(
            EXTENDED,
            id,
            &[&text(b"posix-rename@openssh.com"), &text(b"a"), &text(b"b")],
        )
    };
    let refused = [
        open(9, "/a", 0x1a),
        open(9, "/a", 0x02 | 0x01),
        open(9, "/a", 0x08),
        request(13, 9, &[&text(b"/a")]),
        request(14, 9, &[&text(b"/a"), &0_u32.to_be_bytes()]),
        request(18, 9, &[&text(b"/a"), &text(b"/b")]),
        request(20, 9, &[&text(b"/a"), &text(b"/b")]),
        request(9, 9, &[&text(b"/a"), &0_u32.to_be_bytes()]),
        rename(9),
        request(EXTENDED, 9, &[&text(b"novel@example.com")]),
        request(77, 9, &[]),
    ];
    for refused in refused {
        for piece in [1, 5, usize::MAX] {
            let mut sftp = readers();
            let between = [
                open(1, "/b", 1),
                refused.clone(),
                request(OPENDIR, 2, &[&text(b"/")]),
            ];
            let whole = between.concat();
            let mut sent = Vec::new();
            for part in whole.chunks(piece.min(whole.len())) {
                let out = sftp.requests(part).unwrap();
                sent.extend(passed(part, &out));
            }
            assert_eq!(sent, [between[0].clone(), between[2].clone()].concat());
            let answer = sftp.refusals();
            let mut fields = Packet(&answer[4..]);
            assert_eq!((fields.u8(), fields.u32()), (Some(STATUS), Some(9)));
            assert!(matches!(fields.u32(), Some(PERMISSION_DENIED | UNSUPPORTED)));
            assert_eq!(answer.len(), length_of(&answer).unwrap());
        }
    }
}

#[test]
fn a_refusal_finds_its_place_between_two_answers() {
    let mut sftp = Sftp::new([Operation::Read].into());
    sftp.requests(&open(1, "/b", 1)).unwrap();
    let answer = request(HANDLE, 1, &[&text(b"h")]);
    assert_eq!(sftp.answers(&answer[..6]), Ok(None));
    assert!(!sftp.is_between_answers());
    let rest = [&answer[6..], &answer[..3]].concat();
    assert_eq!(sftp.answers(&rest), Ok(Some(answer.len() - 6)));
    assert!(!sftp.is_between_answers());
}

#[test]
fn a_later_version_is_not_spoken() {
    let init = packet(INIT, &6_u32.to_be_bytes());
    let out = all().requests(&init).unwrap();
    assert_eq!(passed(&init, &out), packet(INIT, &3_u32.to_be_bytes()));
}

#[test]
fn what_is_no_sftp_or_too_much_ends_it() {
    assert_eq!(all().requests(b"SSH-2.0-OpenSSH"), Err(SftpError::NotSftp));
    assert_eq!(all().requests(&[0; 8]), Err(SftpError::NotSftp));
    let long = request(13, 1, &[&text(&[b'x'; LONGEST])]);
    assert_eq!(all().requests(&long), Err(SftpError::NotSftp));
    let handle = request(
        WRITE,
        1,
        &[&text(&[b'h'; 300]), &0_u64.to_be_bytes(), &text(b"x")],
    );
    assert_eq!(all().requests(&handle), Err(SftpError::NotSftp));
    let mut sftp = all();
    let flood = (0..=u32::try_from(MOST).unwrap()).map(|id| open(id, "/a", 1));
    let flooded: Vec<_> = flood.map(|packet| sftp.requests(&packet)).collect();
    assert!(flooded.last().unwrap().is_err() && flooded[MOST - 1].is_ok());
    assert_eq!(all().answers(&[0xff; 64]), Err(SftpError::NotSftp));
}

#[test]
fn what_is_left_open_is_told_at_the_end() {
    let [(requests, answers), _] = story();
    let mut sftp = all();
    sftp.requests(&requests).unwrap();
    sftp.answers(&answers).unwrap();
    let left: Vec<_> = sftp.end().into_iter().map(|event| event.result).collect();
    assert_eq!(left, ["not closed", "not closed"]);
}

#[test]
fn a_number_that_waits_for_its_answer_is_not_used_again() {
    // Else the answer to the first would be taken for that to the second, and what is read would be told of nobody.
    let mut sftp = all();
    sftp.requests(&open(5, "/secret", 1)).unwrap();
    assert_eq!(
        sftp.requests(&request(17, 5, &[&text(b"/")])),
        Err(SftpError::NotSftp)
    );
}

#[test]
fn refusals_that_nobody_takes_are_bounded() {
    let mut sftp = Sftp::new([Operation::Read].into());
    let refused = request(13, 9, &[&text(b"/a")]);
    let flooded = (0..100_000).find(|_| sftp.requests(&refused).is_err());
    assert!(flooded.is_some() && sftp.refusals().len() <= 256 * 1024);
}
