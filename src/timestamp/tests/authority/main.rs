//! Answers and tokens of a real authority (`openssl ts`), good ones and bad ones.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "all of it is test code: a failed step ends its test"
)]

use std::fs;
use std::sync::LazyLock;

use sps_harness::{TimestampAuthority, TsaCertificate};
use sps_timestamp::{AnswerError, Authority, PolicyId, Request, Stamp, TokenError, judge};

/// One good authority for all.
static GOOD: LazyLock<TimestampAuthority> =
    LazyLock::new(|| TimestampAuthority::new(TsaCertificate::Good).unwrap());

const DIGEST: [u8; 32] = [7; 32];

fn trusted(authority: &TimestampAuthority) -> Authority {
    Authority::from_pem([authority.ca().unwrap().as_bytes()]).unwrap()
}

fn request(nonce: u8) -> Request {
    Request::new(DIGEST, [nonce; 8], None)
}

/// What is said of an authority's answer to a request.
fn asked(authority: &TimestampAuthority, request: &Request) -> Result<Stamp, AnswerError> {
    let answer = authority.reply(&request.encode()).unwrap();
    request
        .judge(&answer, &trusted(authority))
        .map(|(_, stamp)| stamp)
}

#[test]
fn a_real_authority_is_asked_and_believed() {
    let before = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    for (nonce, policy) in [(1, None), (0, None), (0xff, Some("1.2.3.4.2"))] {
        let policy = policy.map(|text| PolicyId::parse(text).unwrap());
        let request = Request::new(DIGEST, [nonce; 8], policy);
        let stamp = asked(&GOOD, &request).unwrap();
        assert!(
            u128::try_from(stamp.time).unwrap() + 2000 > before.as_millis(),
            "{stamp:?}"
        );
        assert_eq!(stamp.accuracy, Some(1500));
        assert_eq!(stamp.authority, "CN=stamps");
        assert_eq!(
            stamp.policy,
            if nonce == 0xff { "1.2.3.4.2" } else { "1.2.3.4.1" }
        );
    }
    let elliptic = TimestampAuthority::new(TsaCertificate::Elliptic).unwrap();
    assert!(asked(&elliptic, &request(2)).is_ok());
    // The certificate named by SHA-1 alone, as many do; and other digests.
    for line in [
        "ess_cert_id_alg = sha1",
        "ess_cert_id_alg = sha512\nsigner_digest = sha512",
    ] {
        let authority = TimestampAuthority::new(TsaCertificate::Good).unwrap();
        let text = fs::read_to_string(authority.path("cnf")).unwrap();
        let text = text.replace("signer_digest = sha256\n", "");
        let text = if line.contains("signer_digest") {
            text.replace("[good]", &format!("{line}\n[good]"))
        } else {
            text.replace("[good]", &format!("{line}\nsigner_digest = sha256\n[good]"))
        };
        fs::write(authority.path("cnf"), text).unwrap();
        assert!(asked(&authority, &request(3)).is_ok(), "{line}");
    }
}

#[test]
fn a_kept_token_is_judged_again_and_by_openssl_too() {
    let content = b"the signature of a seal";
    let path = GOOD.path("content");
    fs::write(&path, content).unwrap();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content);
    let digest: [u8; 32] = digest.as_ref().try_into().unwrap();
    let request = Request::new(digest, [9; 8], None);
    let answer = GOOD.reply(&request.encode()).unwrap();
    let (token, stamp) = request.judge(&answer, &trusted(&GOOD)).unwrap();
    assert_eq!(judge(token, &digest, &trusted(&GOOD)).unwrap(), stamp);
    assert_eq!(judge(token, &DIGEST, &trusted(&GOOD)), Err(TokenError::Imprint));
    fs::write(GOOD.path("token"), token).unwrap();
    GOOD.verify(&GOOD.path("token"), &path).unwrap();
}

#[test]
fn answers_to_something_else_do_not_count() {
    let ours = request(4);
    let to = |other: Request| {
        let answer = GOOD.reply(&other.encode()).unwrap();
        ours.judge(&answer, &trusted(&GOOD)).map(drop).unwrap_err()
    };
    assert_eq!(to(request(5)), AnswerError::Nonce);
    let other = Request::new([8; 32], [4; 8], None);
    assert_eq!(to(other), AnswerError::Token(TokenError::Imprint));
    let wanted = Request::new(DIGEST, [4; 8], Some(PolicyId::parse("1.2.3.4.2").unwrap()));
    let answer = GOOD.reply(&ours.encode()).unwrap();
    let judged = wanted.judge(&answer, &trusted(&GOOD)).map(drop);
    assert!(matches!(judged, Err(AnswerError::Policy { .. })), "{judged:?}");
}

#[test]
fn foreign_and_unfit_certificates_do_not_count() {
    let other = TimestampAuthority::new(TsaCertificate::Good).unwrap();
    let answer = other.reply(&request(6).encode()).unwrap();
    let judged = request(6).judge(&answer, &trusted(&GOOD)).map(drop);
    assert!(
        matches!(judged, Err(AnswerError::Token(TokenError::Foreign { .. }))),
        "{judged:?}"
    );
    let expired = TimestampAuthority::new(TsaCertificate::Expired).unwrap();
    let judged = asked(&expired, &request(6));
    assert_eq!(judged, Err(AnswerError::Token(TokenError::Expired)));
}

#[test]
fn a_certificate_for_more_than_timestamps_does_not_count() {
    // OpenSSL does not sign with such a one; the certificate of a good token cannot be exchanged for it, since it is named in what
    // was signed.
    let lax = TimestampAuthority::new(TsaCertificate::Lax).unwrap();
    let answer = lax.reply(&request(6).encode());
    if let Ok(answer) = answer {
        let judged = request(6).judge(&answer, &trusted(&lax)).map(drop);
        let is_refused = matches!(
            judged,
            Err(AnswerError::Token(TokenError::Purpose) | AnswerError::Refused { .. })
        );
        assert!(is_refused, "{judged:?}");
    }
}

#[test]
fn refusals_say_why() {
    let unknown = Request::new(DIGEST, [4; 8], Some(PolicyId::parse("1.2.3.4.9").unwrap()));
    let Err(AnswerError::Refused { reason }) = asked(&GOOD, &unknown) else {
        unreachable!("the policy is unknown");
    };
    assert!(reason.contains("does not know the policy"), "{reason}");
}

#[test]
fn every_byte_of_an_answer_counts_or_is_outside_of_what_is_signed() {
    let request = request(4);
    let answer = GOOD.reply(&request.encode()).unwrap();
    let (_, stamp) = request.judge(&answer, &trusted(&GOOD)).unwrap();
    for cut in 0..answer.len() {
        assert!(request.judge(&answer[..cut], &trusted(&GOOD)).is_err(), "{cut}");
    }
    let authority = trusted(&GOOD);
    let mut survived = Vec::new();
    for place in 0..answer.len() {
        let mut bad = answer.clone();
        bad[place] ^= 1;
        if let Ok((_, told)) = request.judge(&bad, &authority) {
            assert_eq!(told, stamp, "{place}");
            survived.push(place);
        }
    }
    // Versions, digests announced before, and certificates that are not needed are not signed (RFC 5652).
    let most = fs::read(GOOD.path("reply")).unwrap().len();
    assert!(survived.len() < most, "{survived:?}");
    assert!(request.judge(b"", &authority).is_err());
    assert!(request.judge(&vec![0x30; 70_000], &authority).is_err());
}

#[test]
fn authorities_and_policies_are_checked_when_they_are_read() {
    let said = |texts: &[&[u8]]| {
        Authority::from_pem(texts.iter().copied())
            .map(drop)
            .map_err(|it| it.to_string())
    };
    assert!(said(&[]).unwrap_err().contains("no certificate"));
    assert!(
        said(&[b"no PEM"])
            .unwrap_err()
            .contains("certificate 1 is no certificate in PEM")
    );
    let ca = GOOD.ca().unwrap();
    assert_eq!(said(&[ca.as_bytes()]), Ok(()));
    let many = ca.repeat(17);
    assert!(said(&[many.as_bytes()]).unwrap_err().contains("more than 16"));
    assert!(said(&[&[b'x'; 70_000]]).unwrap_err().contains("70000 bytes"));
    let bad = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(said(&[bad.as_bytes()]).unwrap_err().contains("cannot be used"));
    for bad in ["", "1", "9.9.9", "1.2.x", "policy"] {
        assert!(PolicyId::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn the_seed_of_the_fuzz_target_counts() {
    let ca: &[u8] = include_bytes!("../../../../tests/fuzz/seeds/timestamp/ca.pem");
    let answer = include_bytes!("../../../../tests/fuzz/seeds/timestamp/answer");
    let authority = Authority::from_pem([ca]).unwrap();
    assert!(request(4).judge(answer, &authority).is_ok());
}
