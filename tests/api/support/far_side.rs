//! A far side of a test's own: an HTTP server that keeps what it is asked and answers as it is told.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Longer than anything that is waited for takes; reached only when a test fails.
const PATIENCE: Duration = Duration::from_mins(2);

/// A request that arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub path: String,
    /// By their names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

/// The server; it listens until the test ends.
pub struct FarSide {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    seen: Receiver<Seen>,
}

impl FarSide {
    /// Answers every request with a status and a body.
    pub fn start(answer: impl Fn(&Seen) -> (u16, String) + Send + 'static) -> Self {
        Self::start_with_headers(move |seen| {
            let (status, body) = answer(seen);
            (status, String::new(), body)
        })
    }

    /// Answers every request with a status, further headers, each with its line end, and a body.
    pub fn start_with_headers(answer: impl Fn(&Seen) -> (u16, String, String) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, seen) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let Some(request) = read(&stream) else { continue };
                let (status, headers, body) = answer(&request);
                let _ = write!(
                    &stream,
                    "HTTP/1.1 {status} Answer\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
                if sender.send(request).is_err() {
                    return;
                }
            }
        });
        Self { url, seen }
    }

    /// The next request that arrived.
    ///
    /// # Panics
    /// When none does.
    pub fn next(&self) -> Seen {
        self.seen.recv_timeout(PATIENCE).unwrap()
    }

    /// Whether nothing more has arrived.
    pub fn is_quiet(&self) -> bool {
        self.seen.try_recv().is_err()
    }
}

fn read(stream: &TcpStream) -> Option<Seen> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Seen { method, path, headers, body: String::from_utf8(body).unwrap() })
}
