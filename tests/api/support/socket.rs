//! Bytes on a socket, for what no client library would send.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use super::{Client, Server};

/// Longer than any answer takes; reached only when a test fails.
const PATIENCE: Duration = Duration::from_mins(2);

/// Sends these bytes and nothing more; everything that comes back until the server closes the connection.
pub fn exchange(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // The server may have answered and closed before everything was sent.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// The statuses of the answers among what came back.
pub fn statuses(answers: &str) -> Vec<u16> {
    let heads = answers.split("HTTP/1.1 ").skip(1);
    heads.map(|head| head.get(..3).and_then(|status| status.parse().ok()).unwrap_or_default()).collect()
}

/// A request by its first line, with this client's token and further lines of its head, and a body.
pub fn request(client: &Client, line: &str, head: &str, body: &str) -> Vec<u8> {
    format!("{line} HTTP/1.1\r\nHost: muster\r\nAuthorization: Bearer {}\r\n{head}\r\n{body}", client.token)
        .into_bytes()
}
