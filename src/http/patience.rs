//! Waiting for what a client sends, for so long and no longer.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use actix_web::rt::time::timeout;

/// It has not come in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elapsed;

/// Waits for `arriving` for `patience` at most. Most bodies come in one packet with their heads, and are handed on right
/// after the request is: they are looked for twice before a timer is set, which costs more than looking.
///
/// # Errors
/// [`Elapsed`].
pub async fn within<T>(patience: Duration, arriving: impl Future<Output = T>) -> Result<T, Elapsed> {
    let mut arriving = pin!(arriving);
    let mut looked = false;
    let here = poll_fn(|context| match arriving.as_mut().poll(context) {
        Poll::Ready(arrived) => Poll::Ready(Some(arrived)),
        Poll::Pending if looked => Poll::Ready(None),
        Poll::Pending => {
            looked = true;
            context.waker().wake_by_ref();
            Poll::Pending
        }
    });
    if let Some(arrived) = here.await {
        return Ok(arrived);
    }
    timeout(patience, arriving).await.map_err(|_elapsed| Elapsed)
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[actix_web::test]
    async fn what_comes_is_taken_and_what_never_comes_is_given_up() {
        assert_eq!(within(Duration::ZERO, ready(1)).await, Ok(1));
        assert_eq!(within(Duration::ZERO, pending::<u8>()).await, Err(Elapsed));
        let (tell, told) = tokio::sync::oneshot::channel();
        let late = async {
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            tell.send(2)
        };
        let (heard, said) = futures_util::future::join(within(Duration::from_mins(1), told), late).await;
        assert_eq!((heard, said), (Ok(Ok(2)), Ok(())));
    }
}
