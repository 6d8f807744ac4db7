//! The client against servers that mean no good.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// A server that answers every connection with `answer` and counts them.
fn server(answer: &'static [u8]) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer);
        }
    });
    (port, connections)
}

fn get(client: &Client, url: &str) -> Result<Reply, OutboundError> {
    let url = Url::parse(url).unwrap();
    client.send(&Outgoing { method: Method::GET, url: &url, headers: &[], body: "", at_most: 64 })
}

fn inside() -> Client {
    Client::new(Destinations::new(vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]))
}

#[test]
fn a_name_that_leads_inside_is_not_connected_to() {
    let (port, connections) = server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    for host in ["localhost", "127.0.0.1", "[::ffff:127.0.0.1]", "2130706433"] {
        let answer = get(&Client::new(Destinations::default()), &format!("https://{host}:{port}/"));
        assert!(matches!(answer, Err(OutboundError::Destination(DestinationError::NotPublic))), "{host}: {answer:?}");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 0);
    assert_eq!(get(&inside(), &format!("http://localhost:{port}/")).unwrap().status, 200);
}

/// Ways to name an address inside, the port left out: however another reader of the same text would take it, nothing may
/// arrive there.
const INSIDE: [&str; 52] = [
    "127.0.0.1",
    "127.0.0.2",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f.1",
    "0x7f000001",
    "0x7F.0x0.0x0.0x1",
    "0177.0.0.1",
    "017700000001",
    "127.0.0.1.",
    "127.1.",
    "0",
    "0.0.0.0",
    "0x0",
    "10.0.0.1",
    "10.1",
    "172.16.0.1",
    "192.168.0.1",
    "192.168.257",
    "169.254.169.254",
    "0xa9fea9fe",
    "2852039166",
    "100.64.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "[::]",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[0000::0001]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:0:127.0.0.1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[fd00::1]",
    "[fe80::1]",
    "[fec0::1]",
    "[ff02::1]",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "ｌｏｃａｌｈｏｓｔ",
    "127。0。0。1",
    "127．0．0．1",
    "127｡0｡0｡1",
    "１２７.０.０.１",
    "①②⑦.⓪.⓪.①",
];

#[test]
fn nothing_arrives_inside_however_an_address_is_written() {
    let (port, connections) = server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    // An operator's network lets requests without TLS go there, and nowhere else inside.
    let elsewhere = Destinations::new(vec!["203.0.113.0/24".parse().unwrap()]);
    for destinations in [Destinations::default(), elsewhere] {
        let client = Client::new(destinations.clone());
        for host in INSIDE {
            for text in [
                format!("https://{host}:{port}/"),
                format!("http://{host}:{port}/"),
                format!("https://example.com@{host}:{port}/"),
                format!("https://{host}:{port}@example.com/"),
                format!("https://example.com\\@{host}:{port}/"),
                format!("https://{host}%00.example.com:{port}/"),
                format!("https://{host}%25lo:{port}/"),
            ] {
                let Ok(url) = destinations.parse(&text) else { continue };
                let answer =
                    client.send(&Outgoing { method: Method::GET, url: &url, headers: &[], body: "", at_most: 64 });
                // A name may lead nowhere; a number leads inside, and is refused for that.
                let is_name = matches!(url.host(), Some(url::Host::Domain(_)));
                let refused = matches!(answer, Err(OutboundError::Destination(_)));
                assert!(refused || (is_name && answer.is_err()), "{text}: {answer:?}");
            }
        }
    }
    assert_eq!(connections.load(Ordering::SeqCst), 0);
}

#[test]
fn a_redirect_is_an_answer_and_is_not_followed() {
    let (inner, reached) = server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let answer: &'static str = Box::leak(
        format!("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{inner}/\r\nContent-Length: 0\r\n\r\n")
            .into_boxed_str(),
    );
    let (port, _) = server(answer.as_bytes());
    assert_eq!(get(&inside(), &format!("http://127.0.0.1:{port}/")).unwrap().status, 302);
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[test]
fn answers_are_bounded_and_garbage_is_no_answer() {
    let (port, _) = server(b"HTTP/1.1 200 OK\r\nContent-Length: 65\r\n\r\n0123456789012345678901234567890123456789012345678901234567890123456789");
    assert!(matches!(get(&inside(), &format!("http://127.0.0.1:{port}/")), Err(OutboundError::TooLarge(64))));
    let (port, _) = server(b"\x00\xff garbage \r\n\r\n");
    assert!(matches!(get(&inside(), &format!("http://127.0.0.1:{port}/")), Err(OutboundError::Failed(_))));
}

/// Says of every name that it is somewhere else each time it is asked.
#[derive(Debug)]
struct Rebinding {
    answers: Vec<[u8; 4]>,
    port: u16,
    asked: Arc<AtomicUsize>,
}

impl Resolver for Rebinding {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let time = self.asked.fetch_add(1, Ordering::SeqCst);
        let mut found = self.empty();
        for address in &self.answers[time.min(self.answers.len() - 1)..] {
            found.push((*address, self.port).into());
        }
        Ok(found)
    }
}

#[test]
fn what_never_ends_is_ended() {
    // A body without end, a head without end, and one that promises more than it sends.
    let endless: &'static [u8] =
        Box::leak([b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'x'; 4 << 20]].concat().into_boxed_slice());
    let (port, _) = server(endless);
    assert!(matches!(get(&inside(), &format!("http://127.0.0.1:{port}/")), Err(OutboundError::TooLarge(64))));
    let head: &'static [u8] =
        Box::leak([b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'x'; 4 << 20]].concat().into_boxed_slice());
    let (port, _) = server(head);
    assert!(matches!(get(&inside(), &format!("http://127.0.0.1:{port}/")), Err(OutboundError::Failed(_))));
    let (port, _) = server(b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\nshort");
    assert!(matches!(get(&inside(), &format!("http://127.0.0.1:{port}/")), Err(OutboundError::Failed(_))));
}

#[test]
fn a_name_that_is_public_at_first_and_leads_inside_then_is_not_connected_to() {
    let (port, connections) = server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let inside = [[127, 0, 0, 1], [10, 0, 0, 1], [169, 254, 169, 254]];
    for address in inside {
        let asked = Arc::new(AtomicUsize::new(0));
        // Public and inside at the first look-up, inside alone at every other.
        let rebinding = Rebinding { answers: vec![[1, 1, 1, 1], address], port, asked: Arc::clone(&asked) };
        let client = Client::resolving(Destinations::default(), Box::new(rebinding));
        for time in 1..=3 {
            let answer = get(&client, &format!("https://rebind.example:{port}/"));
            let refused = matches!(answer, Err(OutboundError::Destination(DestinationError::NotPublic)));
            assert!(refused, "{address:?} {answer:?}");
            assert_eq!(asked.load(Ordering::SeqCst), time, "what was checked is what is connected to");
        }
    }
    assert_eq!(connections.load(Ordering::SeqCst), 0);
}
