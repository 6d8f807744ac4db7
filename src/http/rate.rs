//! Requests per second and credential.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::model::{Actor, CredentialId};

/// After how many requests the credentials that have been quiet are forgotten.
const SWEEP_EVERY: u32 = 65_536;

/// Lets a credential send so many requests a second, and as many at once.
///
/// Only admitted credentials are counted, and quiet ones are forgotten, so memory is bounded by the credentials in use.
pub struct RateLimit {
    limiter: Option<DefaultKeyedRateLimiter<CredentialId>>,
    clock: DefaultClock,
    requests: AtomicU32,
    per_second: u32,
}

impl RateLimit {
    /// `per_second` requests; 0 for no limit.
    pub fn new(per_second: u32) -> Self {
        let limiter = NonZeroU32::new(per_second).map(|rate| RateLimiter::keyed(Quota::per_second(rate)));
        Self { limiter, clock: DefaultClock::default(), requests: AtomicU32::new(0), per_second }
    }

    /// Counts a request that is worth several as so many `more` than the one it was counted as, or as all that are
    /// allowed at once if those are fewer.
    ///
    /// # Errors
    /// When they are too many: in how long they are welcome.
    pub fn check_more(&self, actor: Actor, more: usize) -> Result<(), Duration> {
        let (Some(limiter), Some(credential)) = (&self.limiter, actor.credential()) else { return Ok(()) };
        let more = u32::try_from(more).unwrap_or(u32::MAX).min(self.per_second.saturating_sub(1));
        let Some(more) = NonZeroU32::new(more) else { return Ok(()) };
        match limiter.check_key_n(&credential, more) {
            Ok(Ok(())) | Err(_) => Ok(()),
            Ok(Err(refusal)) => Err(refusal.wait_time_from(self.clock.now())),
        }
    }

    /// Counts one request of a credential.
    ///
    /// # Errors
    /// When it is one too many: in how long the next one is welcome.
    pub fn check(&self, actor: Actor) -> Result<(), Duration> {
        let (Some(limiter), Some(credential)) = (&self.limiter, actor.credential()) else { return Ok(()) };
        if self.requests.fetch_add(1, Ordering::Relaxed).is_multiple_of(SWEEP_EVERY) {
            limiter.retain_recent();
        }
        limiter.check_key(&credential).map_err(|refusal| refusal.wait_time_from(self.clock.now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids;
    use crate::model::Moment;

    fn credential() -> Actor {
        Actor::Credential(ids::credential(Moment::from_micros(0)))
    }

    // Requirement 68
    #[test]
    fn one_request_too_many_is_told_how_long_to_wait_and_disturbs_nobody_else() {
        let limit = RateLimit::new(1);
        let (busy, other) = (credential(), credential());
        assert_eq!(limit.check(busy), Ok(()));
        let wait = limit.check(busy).unwrap_err();
        assert!(wait <= Duration::from_secs(1), "{wait:?}");
        assert_eq!(limit.check(other), Ok(()));
    }

    #[test]
    fn a_request_that_is_worth_many_uses_up_what_is_allowed_and_no_more() {
        let limit = RateLimit::new(10);
        let (busy, other) = (credential(), credential());
        assert_eq!((limit.check(busy), limit.check_more(busy, 5)), (Ok(()), Ok(())));
        assert!(limit.check_more(busy, 5).is_err());
        assert_eq!((limit.check(other), limit.check_more(other, 1_000)), (Ok(()), Ok(())));
        assert!(limit.check(other).is_err());
    }

    #[test]
    fn zero_is_no_limit() {
        let limit = RateLimit::new(0);
        let busy = credential();
        assert!((0..10_000).all(|_| limit.check(busy).is_ok()));
    }
}
