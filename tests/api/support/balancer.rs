//! Several servers behind one address: each connection goes to the next of them.
//!
//! Access that is given reaches the other servers a moment later, by the feed. So that a test may ask at once, a server is
//! passed nothing before it has followed what is committed. That access which is taken away needs no such wait is what
//! `promise` and the tests with two servers show.
//!
//! What goes wrong here is answered with 502 and the reason: a client that is cut off instead cannot tell who cut it off.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use muster::db::{DatabaseError, organizations, servers};
use muster::live::Live;

/// Where it listens, before there is a server.
pub struct Address {
    listener: TcpListener,
    pub url: String,
}

impl Address {
    pub fn free() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        Self { listener, url }
    }
}

/// A server behind it.
#[derive(Clone)]
pub struct Behind {
    pub address: SocketAddr,
    pub live: Live,
    /// Held by the one who looks whether it has followed: a server has few connections to its database, which gives up on
    /// those who wait for one too long, and they are there for what is asked of it.
    looking: Arc<Mutex<()>>,
}

impl Behind {
    pub fn new(address: SocketAddr, live: Live) -> Self {
        Self { address, live, looking: Arc::default() }
    }

    /// Returns when the server has followed whatever is committed of what it holds.
    fn catch_up(&self) -> Result<(), DatabaseError> {
        let _one_at_a_time = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let behind = self.live.read::<_, DatabaseError>(|tx| {
                let held = organizations::list(tx)?.into_iter().map(|organization| organization.id);
                let held: Vec<_> = held.filter(|id| self.live.revision_in_memory(*id).is_some()).collect();
                let revisions = organizations::revisions(tx, &held)?;
                let behind =
                    revisions.into_iter().any(|(id, revision)| self.live.revision_in_memory(id) < Some(revision));
                if behind {
                    servers::notify(tx)?;
                }
                Ok(behind)
            })?;
            if !behind {
                return Ok(());
            }
            std::thread::park_timeout(Duration::from_millis(2));
        }
    }
}

/// Passes connections on until it is dropped.
pub struct Balancer {
    url: SocketAddr,
    servers: Arc<Vec<Behind>>,
    next: Arc<AtomicUsize>,
    stopping: Arc<AtomicBool>,
    passing: Option<JoinHandle<()>>,
}

impl Balancer {
    pub fn start(address: Address, servers: Vec<Behind>) -> Self {
        let url = address.listener.local_addr().unwrap();
        let (servers, next) = (Arc::new(servers), Arc::new(AtomicUsize::new(0)));
        let stopping = Arc::new(AtomicBool::new(false));
        let (behind, turn, over) = (Arc::clone(&servers), Arc::clone(&next), Arc::clone(&stopping));
        let passing = std::thread::spawn(move || {
            for client in address.listener.incoming().map_while(Result::ok) {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let place = turn.fetch_add(1, Ordering::SeqCst) % behind.len();
                let behind = Arc::clone(&behind);
                std::thread::spawn(move || pass(client, &behind, place));
            }
        });
        Self { url, servers, next, stopping, passing: Some(passing) }
    }

    /// The live layer of the server whose turn it is, which has followed what is committed.
    pub fn next(&self) -> Live {
        let server = &self.servers[self.next.fetch_add(1, Ordering::SeqCst) % self.servers.len()];
        server.catch_up().unwrap();
        server.live.clone()
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        // It waits for a connection.
        drop(TcpStream::connect(self.url));
        if let Some(passing) = self.passing.take() {
            let _ = passing.join();
        }
    }
}

fn pass(client: TcpStream, servers: &[Behind], place: usize) {
    match upstream(&client, servers, place) {
        Ok(upstream) => exchange(client, upstream),
        Err(problem) => refuse(client, &problem),
    }
}

/// The server that is to answer, when it may be asked.
fn upstream(client: &TcpStream, servers: &[Behind], place: usize) -> Result<TcpStream, String> {
    let mut first = [0; 64];
    let read = client.peek(&mut first).map_err(|error| format!("nothing arrived: {error}"))?;
    // What the others have decided is on record half a second later; nobody is to wait for that.
    if String::from_utf8_lossy(&first[..read]).contains("/decisions") {
        for server in servers {
            server.live.flush_decisions().map_err(|error| format!("cannot put decisions on record: {error}"))?;
        }
    }
    let server = &servers[place];
    server.catch_up().map_err(|error| format!("cannot tell whether the server has followed: {error}"))?;
    TcpStream::connect(server.address).map_err(|error| format!("the server does not listen: {error}"))
}

fn exchange(client: TcpStream, upstream: TcpStream) {
    let (Ok(from_client), Ok(to_server)) = (client.try_clone(), upstream.try_clone()) else { return };
    let asking = std::thread::spawn(move || copy(from_client, to_server));
    copy(upstream, client);
    let _ = asking.join();
}

/// Answers in the place of the server.
fn refuse(mut client: TcpStream, problem: &str) {
    let length = problem.len();
    let answer = format!("HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{problem}");
    let _ = client.write_all(answer.as_bytes());
    let _ = client.shutdown(Shutdown::Write);
    // A connection that is closed with something unread is reset, which takes the answer with it.
    let _ = std::io::copy(&mut client, &mut std::io::sink());
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let mut some = [0; 16 * 1024];
    while let Ok(read) = from.read(&mut some) {
        if read == 0 || to.write_all(&some[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}

#[test]
fn a_client_whose_server_is_gone_is_told_so_and_not_cut_off() {
    use crate::support::{Backend, Client, Database, Server};

    let database = Database::fresh(Backend::Postgres);
    let server = Server::start(&database);
    let gone = "127.0.0.1:1".parse().unwrap();
    let address = Address::free();
    let client = Client { base: address.url.clone(), token: "none".to_owned() };
    let _balancer = Balancer::start(address, vec![Behind::new(gone, server.live.clone())]);
    for body in [None, Some("x".repeat(100_000))] {
        let answer = client.send("POST", "/scim/v2/Users", &[], body.as_deref()).expect(502);
        assert!(answer.text.contains("does not listen"), "{}", answer.text);
    }
}
