//! Lists of GitHub's REST API, page by page and within its rate limits.

use std::time::Duration;

use serde::de::DeserializeOwned;
use ureq::http::{HeaderMap, Method};
use url::Url;

use crate::clock::Clock;

use crate::live::NotFetched;

use super::client::{Client, Outgoing, Reply};

/// The most that is read of a page, in bytes.
const PAGE_BYTES: u64 = 2 * 1024 * 1024;
/// How long to wait where GitHub names a limit and no time, in seconds.
const LEAST: i64 = 60;
/// Pages of one list at most.
const PAGES: usize = 2_000;
/// How often is waited in all.
const WAITS: usize = 5;

/// Reads lists.
pub(super) struct Fetching<'a> {
    client: Client,
    token: &'a str,
    patience: i64,
    waited: usize,
}

impl<'a> Fetching<'a> {
    /// Asks with this token, and waits for `patience` seconds at once where GitHub asks for it.
    pub(super) fn new(client: Client, token: &'a str, patience: i64) -> Self {
        Self { client, token, patience, waited: 0 }
    }

    /// A list, all its pages.
    pub(super) fn list<T: DeserializeOwned>(&mut self, api: &str, path: &[&str]) -> Result<Vec<T>, NotFetched> {
        let mut first = self.client.destinations().parse(api).map_err(|error| error.to_string())?;
        first.path_segments_mut().map_err(|()| "the API has no paths".to_owned())?.pop_if_empty().extend(path);
        first.set_query(Some("per_page=100"));
        let (mut all, mut next) = (Vec::new(), Some(first.clone()));
        let mut pages = 0_usize;
        while let Some(url) = next {
            pages = pages.saturating_add(1);
            // The token goes to the API and nowhere else, whatever a page says comes next.
            if pages > PAGES || url.origin() != first.origin() {
                return Err("GitHub names a next page that is none of its API".to_owned().into());
            }
            let (body, headers) = self.page(&url)?;
            let page: Vec<T> =
                serde_json::from_str(&body).map_err(|error| format!("GitHub's answer cannot be read: {error}"))?;
            all.extend(page);
            next = following(&headers).map(|text| url.join(&text)).transpose().map_err(|error| error.to_string())?;
        }
        Ok(all)
    }

    fn page(&mut self, url: &Url) -> Result<(String, HeaderMap), NotFetched> {
        let authorization = format!("Bearer {}", self.token);
        let headers = [
            ("Authorization", authorization.as_str()),
            ("Accept", "application/vnd.github+json"),
            ("X-GitHub-Api-Version", "2022-11-28"),
        ];
        loop {
            let outgoing = Outgoing { method: Method::GET, url, headers: &headers, body: "", at_most: PAGE_BYTES };
            let (reply, headers) = self.client.exchange(&outgoing).map_err(|error| error.to_string())?;
            if reply.status == 200 {
                return Ok((reply.body, headers));
            }
            let now = Clock::system().now().as_micros().div_euclid(1_000_000);
            let Some(seconds) = wait(&reply, &headers, now) else {
                return Err(format!("GitHub answers {} to `{}`", reply.status, url.path()).into());
            };
            self.waited = self.waited.saturating_add(1);
            if seconds > self.patience || self.waited > WAITS {
                let problem = format!("GitHub asks to wait for {seconds} seconds; try again then");
                return Err(NotFetched { problem, wait: Some(seconds) });
            }
            std::thread::sleep(Duration::from_secs(u64::try_from(seconds).unwrap_or_default()));
        }
    }
}

/// How many seconds to wait, if that is what GitHub asks for: `Retry-After`, else the moment its allowance is renewed, else a
/// minute where its answer speaks of a limit, as those of secondary limits do.
fn wait(reply: &Reply, headers: &HeaderMap, now: i64) -> Option<i64> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
    if ![403, 429].contains(&reply.status) {
        return None;
    }
    if let Some(seconds) = number("retry-after") {
        return Some(seconds.max(0));
    }
    match (number("x-ratelimit-remaining"), number("x-ratelimit-reset")) {
        (Some(0), Some(reset)) => Some(reset.saturating_sub(now).max(0)),
        _ => (reply.status == 429 || reply.body.to_ascii_lowercase().contains("rate limit")).then_some(LEAST),
    }
}

/// The address of the next page (RFC 8288 §3).
fn following(headers: &HeaderMap) -> Option<String> {
    let link = headers.get("link")?.to_str().ok()?;
    link.split(',').find_map(|one| {
        let (target, parameters) = one.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = parameters.split(';').any(|parameter| {
            let parameter = parameter.trim();
            parameter.eq_ignore_ascii_case("rel=\"next\"") || parameter.eq_ignore_ascii_case("rel=next")
        });
        is_next.then(|| target.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(all: &[(&'static str, &str)]) -> HeaderMap {
        all.iter().map(|(name, value)| (ureq::http::HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_next_page_is_the_one_the_link_names() {
        let link = "<https://api.github.com/x?page=1>; rel=\"prev\", <https://api.github.com/x?page=3>; rel=\"next\"";
        assert_eq!(following(&headers(&[("link", link)])).as_deref(), Some("https://api.github.com/x?page=3"));
        for none in ["", "nonsense", "<https://a>; rel=\"last\"", "<https://a"] {
            assert_eq!(following(&headers(&[("link", none)])), None, "{none}");
        }
        assert_eq!(following(&HeaderMap::new()), None);
    }

    #[test]
    fn whoever_asks_to_wait_says_for_how_long() {
        let exhausted = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1010")];
        let asked = |status: u16, body: &str, all: &[(&'static str, &str)], now: i64| {
            wait(&Reply { status, body: body.to_owned() }, &headers(all), now)
        };
        assert_eq!(asked(403, "", &[("retry-after", "7")], 1_000), Some(7));
        assert_eq!(asked(403, "", &exhausted, 1_000), Some(10));
        assert_eq!(asked(429, "", &exhausted, 2_000), Some(0));
        assert_eq!(asked(429, "", &[], 0), Some(60));
        let secondary = "{\"message\":\"You have exceeded a secondary rate limit. Please wait a few minutes.\"}";
        assert_eq!(asked(403, secondary, &[("x-ratelimit-remaining", "4000")], 0), Some(60));
        assert_eq!(asked(403, secondary, &[("retry-after", "90")], 0), Some(90));
        assert_eq!(asked(403, "{\"message\":\"Must have admin rights\"}", &[("x-ratelimit-remaining", "9")], 0), None);
        assert_eq!(asked(404, secondary, &[("retry-after", "7")], 0), None);
        assert_eq!(asked(429, "", &[("retry-after", "-9")], 0), Some(0));
    }
}
