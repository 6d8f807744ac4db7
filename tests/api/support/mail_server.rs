//! A mail server of a test's own: takes everything and keeps it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// Longer than anything that is waited for takes; reached only when a test fails.
const PATIENCE: Duration = Duration::from_mins(2);

/// Listens until the test ends.
pub struct MailServer {
    /// `smtp://127.0.0.1:PORT`.
    pub url: String,
    received: Receiver<String>,
}

impl MailServer {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let (sent, received) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let sent = sent.clone();
                std::thread::spawn(move || serve(stream, &sent));
            }
        });
        Self { url, received }
    }

    /// The next mail, its lines as they were written.
    ///
    /// # Panics
    /// When none comes.
    #[track_caller]
    pub fn next(&self) -> String {
        let text = self.received.recv_timeout(PATIENCE).expect("no mail was sent");
        text.replace("=\r\n", "").replace("=3D", "=")
    }

    /// How many mails came that nobody has asked for.
    pub fn rest(&self) -> usize {
        self.received.try_iter().count()
    }
}

fn serve(mut stream: TcpStream, sent: &Sender<String>) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?);
    stream.write_all(b"220 ready\r\n").ok()?;
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().to_ascii_uppercase().as_str() {
            "DATA" => {
                stream.write_all(b"354 go on\r\n").ok()?;
                let mut mail = String::new();
                while lines.read_line(&mut mail).ok()? > 0 && !mail.ends_with("\r\n.\r\n") {}
                sent.send(mail).ok()?;
                stream.write_all(b"250 taken\r\n").ok()?;
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").ok()?;
                return None;
            }
            _ => stream.write_all(b"250 fine\r\n").ok()?,
        }
    }
}
