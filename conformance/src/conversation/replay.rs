//! A conversation, held with a server.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::pattern::mismatch;
use super::variables::{Variables, fill, fill_text};
use super::{Conversation, Rate, Status, Step, Walk};
use crate::exchange::{Answer, Request};
use crate::outcome::Stop;
use crate::session::{Session, in_parallel};

/// How long a rate is kept up in a run that is not thorough, in seconds.
const SHORT: u32 = 2;

/// More pages than any list under test has.
const PAGES: usize = 10_000;

/// Holds it, up to the first answer that is not as expected.
///
/// # Errors
/// A failure that names the step.
pub fn replay(conversation: &Conversation, session: &Session, thorough: bool) -> Result<(), Stop> {
    steps(conversation, session, thorough, &mut |_step, _result| {})
}

/// The same; whoever looks on is told how each step ended.
///
/// # Errors
/// A failure that names the step.
pub fn steps(
    conversation: &Conversation,
    session: &Session,
    thorough: bool,
    told: &mut dyn FnMut(&Step, &Result<(), Stop>),
) -> Result<(), Stop> {
    for feature in &conversation.needs {
        session.needs(*feature)?;
    }
    let mut variables =
        Variables::from([("run".to_owned(), json!(session.run())), ("base".to_owned(), json!(session.base_url()))]);
    for (at, step) in conversation.steps.iter().enumerate() {
        let speaker = Speaker { conversation, session, thorough };
        let result = speaker.take(step, &mut variables);
        told(step, &result);
        result.map_err(|stop| named(stop, at + 1, step))?;
    }
    Ok(())
}

fn named(stop: Stop, number: usize, step: &Step) -> Stop {
    match stop {
        Stop::Failed(mut failure) => {
            failure.what = format!("step {number}, {}: {}", step.say, failure.what);
            Stop::Failed(failure)
        }
        other => other,
    }
}

struct Speaker<'a> {
    conversation: &'a Conversation,
    session: &'a Session,
    thorough: bool,
}

impl Speaker<'_> {
    fn take(&self, step: &Step, variables: &mut Variables) -> Result<(), Stop> {
        if let Some(walk) = &step.walk {
            return self.walk(step, walk, variables);
        }
        let scopes = self.scopes(step, variables)?;
        let Some(scopes) = scopes else {
            let answer = self.say(step, variables)?;
            for (name, place) in &step.keep {
                variables.insert(name.clone(), kept(&answer, place)?);
            }
            return Ok(());
        };
        let begun = Instant::now();
        let answers = in_parallel(step.parallel.unwrap_or(1), scopes.len(), |at| {
            let Some(scope) = scopes.get(at) else { return Err(Stop::failed("there is no such turn")) };
            wait_for_turn(begun, step.rate, at);
            self.say(step, scope)
        });
        let answers = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
        if let Some(rate) = step.rate {
            in_time(begun.elapsed(), rate, scopes.len())?;
        }
        for (name, place) in &step.keep {
            let values = answers.iter().map(|answer| kept(answer, place)).collect::<Result<Value, _>>()?;
            variables.insert(name.clone(), values);
        }
        Ok(())
    }

    /// The variables of every turn of a step that has several.
    fn scopes(&self, step: &Step, variables: &Variables) -> Result<Option<Vec<Variables>>, Stop> {
        let with = |name: &str, value: Value| {
            let mut scope = variables.clone();
            scope.insert(name.to_owned(), value);
            scope
        };
        if let Some(list) = &step.each {
            let items = variables.get(list).and_then(Value::as_array);
            let items = items.ok_or_else(|| Stop::failed(format!("`{list}` is no list")))?;
            return Ok(Some(items.iter().map(|item| with(list, item.clone())).collect()));
        }
        let times = step.rate.map(|rate| self.requests(rate)).or(step.times);
        Ok(times.map(|times| (1..=times).map(|number| with("n", json!(number))).collect()))
    }

    fn requests(&self, rate: Rate) -> usize {
        let seconds = if self.thorough { rate.seconds } else { rate.seconds.min(SHORT) };
        usize::try_from(seconds * rate.per_second).unwrap_or(usize::MAX)
    }

    fn say(&self, step: &Step, variables: &Variables) -> Result<Answer, Stop> {
        let mut request = request(&step.request, step.body.as_ref(), variables)?;
        for (name, value) in self.conversation.headers.iter().chain(&step.headers) {
            let value = value.as_ref().map(|value| fill_text(value, variables)).transpose().map_err(Stop::failed)?;
            request.headers.retain(|(present, _)| !present.eq_ignore_ascii_case(name));
            if request.body.is_some() || !name.eq_ignore_ascii_case("content-type") {
                request.headers.push((name.clone(), value));
            }
        }
        let answer = self.session.send(&request)?;
        let expected = match &step.expect.status {
            Status::One(status) => vec![*status],
            Status::Any(statuses) => statuses.clone(),
        };
        let answer = answer.expect_one_of(&expected)?;
        for (name, pattern) in &step.expect.headers {
            let pattern = fill(pattern, variables).map_err(Stop::failed)?;
            let value = answer.header(name);
            let value = if value.is_empty() { Value::Null } else { json!(value) };
            if let Some(problem) = mismatch(&pattern, &value) {
                return Err(answer.fail(format!("header {name}: {problem}")));
            }
        }
        if let Some(pattern) = step.expect.body.as_ref().filter(|_| answer.status != 204) {
            let pattern = fill(pattern, variables).map_err(Stop::failed)?;
            if let Some(problem) = mismatch(&pattern, &answer.body) {
                return Err(answer.fail(problem));
            }
        }
        Ok(answer)
    }

    fn walk(&self, step: &Step, walk: &Walk, variables: &mut Variables) -> Result<(), Stop> {
        let mut seen = BTreeSet::new();
        let mut start = 1;
        for page in 1..PAGES {
            variables.insert("start".to_owned(), json!(start));
            variables.insert("n".to_owned(), json!(page));
            let answer = self.say(step, variables)?;
            let ids = answer.ids();
            for id in &ids {
                answer.check(seen.insert(id.clone()), &format!("`{id}` comes for the second time"))?;
            }
            start += ids.len();
            let total = answer.body["totalResults"].as_u64().and_then(|total| usize::try_from(total).ok());
            if ids.is_empty() || total.is_none_or(|total| start > total) {
                return all_seen(&answer, walk, variables, &seen);
            }
            if let Some(meanwhile) = &walk.meanwhile {
                let sent = self.session.send(&request(&meanwhile.request, meanwhile.body.as_ref(), variables)?)?;
                sent.expect_one_of(&[200, 201, 204])?;
            }
        }
        Err(Stop::failed("the list has no end"))
    }
}

fn all_seen(last: &Answer, walk: &Walk, variables: &Variables, seen: &BTreeSet<String>) -> Result<(), Stop> {
    let wanted = variables.get(&walk.finds).and_then(Value::as_array).into_iter().flatten();
    let missing = wanted.filter(|id| id.as_str().is_none_or(|id| !seen.contains(id))).count();
    last.check(missing == 0, &format!("{missing} of those who were there from the beginning were left out"))
}

fn request(line: &str, body: Option<&Value>, variables: &Variables) -> Result<Request, Stop> {
    let line = fill_text(line, variables).map_err(Stop::failed)?;
    let (method, path) = line.split_once(' ').ok_or_else(|| Stop::failed(format!("`{line}` is no request")))?;
    let request = Request::new(method, path);
    match body {
        Some(body) => Ok(request.json(&fill(body, variables).map_err(Stop::failed)?)),
        None => Ok(request),
    }
}

/// A JSON pointer into the body, `header NAME`, or `body` for the whole.
fn kept(answer: &Answer, place: &str) -> Result<Value, Stop> {
    let value = match place.strip_prefix("header ") {
        Some(name) => json!(answer.header(name)),
        None if place == "body" => answer.body.clone(),
        None => answer.at(place).clone(),
    };
    answer.check(!value.is_null() && value != "", &format!("`{place}` is needed later, and is not there"))?;
    Ok(value)
}

/// Requests of a rate are spread evenly.
fn wait_for_turn(begun: Instant, rate: Option<Rate>, at: usize) {
    let Some(rate) = rate else { return };
    let at = u32::try_from(at).unwrap_or(u32::MAX);
    let due = Duration::from_secs(1) * at / rate.per_second.max(1);
    std::thread::sleep(due.saturating_sub(begun.elapsed()));
}

/// A server that keeps up is done at most a second after the last request is due.
fn in_time(took: Duration, rate: Rate, requests: usize) -> Result<(), Stop> {
    let due = Duration::from_secs(1) * u32::try_from(requests).unwrap_or(u32::MAX) / rate.per_second.max(1);
    if took <= due + Duration::from_secs(1) {
        return Ok(());
    }
    Err(Stop::failed(format!("{requests} requests at {} a second took {took:.1?}", rate.per_second)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_must_be_kept_up() {
        let rate = Rate { per_second: 25, seconds: 60 };
        assert!(in_time(Duration::from_millis(2_900), rate, 50).is_ok());
        assert!(in_time(Duration::from_millis(3_100), rate, 50).is_err());
    }

    #[test]
    fn a_request_is_a_method_and_a_path() {
        let variables = Variables::from([("id".to_owned(), json!("7"))]);
        let made = request("PUT /Users/${id}", Some(&json!({ "id": "${id}" })), &variables).unwrap();
        assert_eq!(
            (made.method.as_str(), made.path.as_str(), made.body.as_deref()),
            ("PUT", "/Users/7", Some("{\"id\":\"7\"}"))
        );
        assert!(request("GET", None, &variables).is_err() && request("GET /${x}", None, &variables).is_err());
    }
}
