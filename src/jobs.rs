//! What runs by the clock, each job on a thread of its own.

mod brakes;
mod claims;
mod exports;
mod gates;
mod mirrors;
mod notifications;
mod outbox;
mod request_log;
mod unknown_ids;
mod watch;

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::service::Services;
use crate::service::post::Post;

/// Receivers sent to at the same time: those that do not answer must not keep others waiting.
const SENDERS: usize = 8;

/// Jobs at work; they end when this is dropped.
pub struct Jobs {
    stop: Stop,
    threads: Vec<JoinHandle<()>>,
}

/// Tells jobs that the server ends.
#[derive(Clone, Default)]
struct Stop(Arc<(Mutex<bool>, Condvar)>);

impl Stop {
    fn is_told(&self) -> bool {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }

    /// Waits; answers whether to go on.
    fn wait(&self, at_most: Duration) -> bool {
        let told = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.1.wait_timeout_while(told, at_most, |told| !*told);
        !*waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Jobs {
    /// Starts every job. `post` sends mail; `request_log_days`: how long the request log is kept.
    ///
    /// # Errors
    /// The operating system's when it has no thread to give.
    pub fn start(services: &Services, post: &Arc<Post>, request_log_days: u32) -> std::io::Result<Self> {
        let mut jobs = Self { stop: Stop::default(), threads: Vec::new() };
        let (live, clock, issuer) = (&services.live, &services.clock, &services.public_url);
        let (told, stop) = (services.clone(), jobs.stop.clone());
        jobs.spawn("notices", move || notifications::look(&told, &stop))?;
        let (told, post, stop) = (services.clone(), Arc::clone(post), jobs.stop.clone());
        jobs.spawn("notifications", move || notifications::send(&told, &post, &stop))?;
        let (watched, now, stop) = (live.clone(), clock.clone(), jobs.stop.clone());
        jobs.spawn("watch", move || watch::run(&watched, &now, &stop))?;
        let (looking, now, stop) = (live.clone(), clock.clone(), jobs.stop.clone());
        jobs.spawn("brakes", move || brakes::run(&looking, &now, &stop))?;
        let (telling, stop) = (live.clone(), jobs.stop.clone());
        jobs.spawn("claims", move || claims::run(&telling, &stop))?;
        let (making, stop) = (services.clone(), jobs.stop.clone());
        jobs.spawn("exports", move || exports::run(&making, &stop))?;
        let senders = Arc::new(outbox::Senders::default());
        for number in 0..SENDERS {
            let (live, issuer, stop) = (live.clone(), issuer.clone(), jobs.stop.clone());
            let senders = Arc::clone(&senders);
            jobs.spawn(&format!("outbox-{number}"), move || outbox::run(&live, &issuer, &senders, &stop))?;
        }
        let (refreshing, stop) = (services.clone(), jobs.stop.clone());
        jobs.spawn("mirrors", move || mirrors::run(&refreshing, &stop))?;
        let (watching, stop) = (live.clone(), jobs.stop.clone());
        jobs.spawn("gates", move || gates::run(&watching, &stop))?;
        let (noting, now, stop) = (live.clone(), clock.clone(), jobs.stop.clone());
        jobs.spawn("unknown-ids", move || unknown_ids::run(&noting, &now, &stop))?;
        let (live, clock, stop) = (live.clone(), clock.clone(), jobs.stop.clone());
        jobs.spawn("request-log", move || request_log::run(&live, &clock, request_log_days, &stop))?;
        Ok(jobs)
    }

    fn spawn(&mut self, name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        self.threads.push(std::thread::Builder::new().name(name.to_owned()).spawn(work)?);
        Ok(())
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        self.stop.tell();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
