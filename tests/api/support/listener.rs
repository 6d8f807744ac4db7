//! A receiver of our own, on a thread: keeps what it is sent and answers as it is told to.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Longer than anything that is waited for takes; reached only when a test fails.
const PATIENCE: Duration = Duration::from_mins(2);

/// What it was sent.
#[derive(Debug, Clone)]
pub struct Received {
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Received {
    /// A header's text; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }
}

/// Listens on a free port until the test ends.
pub struct Listener {
    pub url: String,
    received: Receiver<Received>,
    answer: Arc<Mutex<String>>,
}

pub const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";

impl Listener {
    /// One that accepts everything until it is told otherwise.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/events", listener.local_addr().unwrap());
        let (sender, received) = channel();
        let answer = Arc::new(Mutex::new(ACCEPTED.to_owned()));
        let answers = Arc::clone(&answer);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (sender, answers) = (sender.clone(), Arc::clone(&answers));
                std::thread::spawn(move || serve(stream, &sender, &answers));
            }
        });
        Self { url, received, answer }
    }

    /// Answers this from now on, byte for byte.
    pub fn answer(&self, answer: &str) {
        answer.clone_into(&mut self.answer.lock().unwrap());
    }

    /// The next it is sent.
    ///
    /// # Panics
    /// When nothing comes.
    #[track_caller]
    pub fn next(&self) -> Received {
        self.received.recv_timeout(PATIENCE).expect("the receiver was sent nothing")
    }

    /// What it was sent and nobody has asked for.
    pub fn rest(&self) -> Vec<Received> {
        self.received.try_iter().collect()
    }
}

fn serve(stream: TcpStream, sender: &Sender<Received>, answer: &Mutex<String>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let (mut headers, mut length) = (Vec::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().ok()?;
            }
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let answer = answer.lock().unwrap().clone();
        sender.send(Received { headers, body: String::from_utf8(body).ok()? }).ok()?;
        stream.write_all(answer.as_bytes()).ok()?;
        if answer != ACCEPTED {
            return None;
        }
    }
}
