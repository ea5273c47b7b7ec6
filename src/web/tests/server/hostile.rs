//! Malformed input on both ports: the connection may end, the server may not.

use hyper::StatusCode;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::common::{TestServer, soon};

/// Seed of the mutations; a failure is repeated by running the test again.
const SEED: u64 = 0x5e_ed0f_b007;
const ROUNDS: usize = 400;

/// How an event stream begins.
const HELLO: &[u8] = b"event: hello";

/// SplitMix64 (Steele, Lea, Flood 2014): reproducible and enough for choosing bytes.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

const SEEDS: [&str; 9] = [
    "GET / HTTP/1.1\r\nhost: box\r\naccept: text/html\r\n\r\n",
    "GET /api/boot/log?after=3&limit=5 HTTP/1.1\r\nhost: box\r\n\r\n",
    "GET /api/boot/log/events?boot=x HTTP/1.1\r\nhost: box\r\nlast-event-id: 7\r\n\r\n",
    "POST /api/boot/status HTTP/1.1\r\nhost: box\r\ncontent-length: 5\r\n\r\nhello",
    "POST / HTTP/1.1\r\nhost: box\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "GET /assets/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nhost: box\r\n\r\n",
    "GET http://other/ HTTP/1.1\r\nhost: box\r\n\r\n",
    "CONNECT box:443 HTTP/1.1\r\nhost: box\r\n\r\n",
    "GET / HTTP/1.1\r\nhost: box\r\nupgrade: h2c\r\nconnection: upgrade, http2-settings\r\nexpect: 100-continue\r\n\r\n",
];

fn mutated(random: &mut Random) -> Vec<u8> {
    let mut bytes = SEEDS[random.below(SEEDS.len())].as_bytes().to_vec();
    for _ in 0..random.below(6) {
        let at = random.below(bytes.len());
        match random.below(5) {
            0 => bytes[at] = random.next() as u8,
            1 => bytes.insert(at, random.next() as u8),
            2 => drop(bytes.remove(at)),
            3 => bytes.truncate(at.max(1)),
            _ => bytes
                .splice(
                    at..at,
                    std::iter::repeat_n(b"\r\n :%/\0\xff"[random.below(8)], 300),
                )
                .for_each(drop),
        }
    }
    bytes
}

/// Sends `bytes`, ends the sending side and reads what comes until the end, or until it is an event stream, which has
/// none.
async fn offer<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, bytes: &[u8]) -> Vec<u8> {
    let mut answer = Vec::new();
    let _refused_early = stream.write_all(bytes).await;
    let _refused_early = stream.shutdown().await;
    while !answer.windows(HELLO.len()).any(|part| part == HELLO) {
        // A reset instead of an orderly end is an end, too.
        let Ok(1..) = soon(stream.read_buf(&mut answer)).await else {
            break;
        };
    }
    answer
}

fn assert_sane(answer: &[u8], request: &[u8]) {
    let shown = || String::from_utf8_lossy(request).into_owned();
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1."), "{}", shown());
    assert!(!answer.starts_with(b"HTTP/1.1 500"), "{}", shown());
    let text = String::from_utf8_lossy(answer);
    assert!(!text.contains("root:"), "{}", shown());
}

#[tokio::test]
async fn malformed_requests_over_tls_end_at_most_their_own_connection() {
    let server = TestServer::start().await;
    server.write(10);
    let mut bystander = server.events("", &[]).await;
    bystander.next_of("status").await;
    let mut random = Random(SEED);
    for _ in 0..ROUNDS {
        let request = mutated(&mut random);
        assert_sane(&offer(server.tls().await, &request).await, &request);
    }
    server.write(1);
    while bystander.next_of("log").await.id != Some(11) {}
    assert_eq!(server.get("/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn malformed_requests_on_the_plain_port_get_no_content() {
    let server = TestServer::start().await;
    server.write(10);
    let mut random = Random(SEED + 1);
    for _ in 0..ROUNDS {
        let request = mutated(&mut random);
        let answer = offer(TcpStream::connect(server.http).await.unwrap(), &request).await;
        assert_sane(&answer, &request);
        assert!(
            !answer.starts_with(b"HTTP/1.1 200"),
            "{}",
            String::from_utf8_lossy(&request)
        );
        assert!(
            !String::from_utf8_lossy(&answer).contains("entry"),
            "{}",
            String::from_utf8_lossy(&request)
        );
    }
}

#[tokio::test]
async fn noise_instead_of_tls_ends_the_connection() {
    let server = TestServer::start().await;
    let mut random = Random(SEED + 2);
    for round in 0..ROUNDS {
        let length = random.below(600) + 1;
        let mut bytes: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
        if round % 2 == 0 {
            // A plausible record header in front (RFC 8446, section 5.1).
            bytes.splice(0..0, [0x16, 3, 1, (length >> 8) as u8, length as u8]);
        }
        let answer = offer(TcpStream::connect(server.https).await.unwrap(), &bytes).await;
        assert!(!answer.starts_with(b"HTTP"), "no plain answer on the TLS port");
    }
    let plain = offer(
        TcpStream::connect(server.https).await.unwrap(),
        SEEDS[0].as_bytes(),
    )
    .await;
    assert!(!plain.starts_with(b"HTTP"));
    assert_eq!(server.get("/").await.status, StatusCode::OK);
}
