//! Several servers behind one address: each connection goes to the next of them.
//!
//! Access that is given reaches the other servers a moment later, by the feed. So that a test may ask at once, a server is
//! passed nothing before it has followed what is committed. That access which is taken away needs no such wait is what
//! `promise` and the tests with two servers show.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
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
        catch_up(&server.live).unwrap();
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

/// Returns when the server has followed whatever is committed of what it holds.
fn catch_up(live: &Live) -> Result<(), DatabaseError> {
    loop {
        let behind = live.read::<_, DatabaseError>(|tx| {
            let loaded = organizations::list(tx)?.into_iter().map(|organization| organization.id);
            let loaded: Vec<_> = loaded.filter(|id| live.revision_in_memory(*id).is_some()).collect();
            let behind = organizations::revisions(tx, &loaded)?;
            let behind = behind.into_iter().any(|(id, revision)| live.revision_in_memory(id) < Some(revision));
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

/// What goes wrong here the client sees as a connection that ends.
fn pass(client: TcpStream, servers: &[Behind], place: usize) -> Option<()> {
    let mut first = [0; 64];
    let read = client.peek(&mut first).ok()?;
    // What the others have decided is on record half a second later; nobody is to wait for that.
    if String::from_utf8_lossy(&first[..read]).contains("/decisions") {
        for server in servers {
            server.live.flush_decisions().unwrap();
        }
    }
    let server = &servers[place];
    catch_up(&server.live).ok()?;
    let upstream = TcpStream::connect(server.address).ok()?;
    let (from_client, to_server) = (client.try_clone().ok()?, upstream.try_clone().ok()?);
    let asking = std::thread::spawn(move || copy(from_client, to_server));
    copy(upstream, client);
    let _ = asking.join();
    Some(())
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
