//! What a check or a conversation works with: a client, names nobody else has, and a list of what is to be deleted.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use url::form_urlencoded;

use crate::announcement::{Announcement, Feature};
use crate::client::Client;
use crate::exchange::{Answer, Exchange, Request};
use crate::outcome::Stop;

/// The schema of users (RFC 7643 §4.1).
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The schema of groups (RFC 7643 §4.2).
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// The enterprise extension of users (RFC 7643 §4.3).
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// The schema of PATCH messages (RFC 7644 §3.5.2).
pub const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// One run against one server.
#[derive(Debug)]
pub struct Session {
    client: Client,
    announcement: Announcement,
    run: String,
    next_name: AtomicUsize,
    /// Paths of what was created, in order, and whether it was made with the other token.
    created: Mutex<Vec<(String, bool)>>,
    /// Features announced as missing, and whether they work nevertheless.
    probed: Mutex<BTreeMap<Feature, bool>>,
    /// What was said since it was last taken, where somebody wants to know.
    journal: Mutex<Option<Vec<Arc<Exchange>>>>,
}

impl Session {
    /// Begins a run: asks the server what it can do.
    ///
    /// # Errors
    /// A failure if it does not answer at all.
    pub fn begin(client: Client) -> Result<Self, Stop> {
        let announcement = Announcement::read(&client)?;
        let random = RandomState::new().build_hasher().finish();
        Ok(Self {
            client,
            announcement,
            run: format!("{random:016x}").chars().take(8).collect(),
            next_name: AtomicUsize::new(0),
            created: Mutex::default(),
            probed: Mutex::default(),
            journal: Mutex::default(),
        })
    }

    /// Eight hexadecimal digits that no other run has.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// The SCIM base URL, without a slash at its end.
    pub fn base_url(&self) -> &str {
        self.client.target().base_url()
    }

    /// Whether there is a token of another organization.
    pub fn has_other(&self) -> bool {
        self.client.target().has_other()
    }

    /// What the server says it can do.
    pub fn announcement(&self) -> &Announcement {
        &self.announcement
    }

    /// A name that nobody else has, in no run.
    pub fn name(&self, word: &str) -> String {
        format!("{word}-{}-{}", self.run, self.next_name.fetch_add(1, Ordering::Relaxed))
    }

    /// Ends the check unless the server has this feature.
    ///
    /// # Errors
    /// `NotSupported` if the server says that it lacks it; a failure if that is not true.
    pub fn needs(&self, feature: Feature) -> Result<(), Stop> {
        if self.announcement.has(feature) {
            return Ok(());
        }
        let known = self.probed.lock().unwrap_or_else(PoisonError::into_inner).get(&feature).copied();
        let works = match known {
            Some(works) => works,
            None => feature.works(self)?,
        };
        self.probed.lock().unwrap_or_else(PoisonError::into_inner).insert(feature, works);
        let says = format!("ServiceProviderConfig announces no {feature}");
        if works {
            Err(Stop::failed(format!("{says}, yet it works: the announcement is false")))
        } else {
            Err(Stop::NotSupported(says))
        }
    }

    /// Sends a request. What it creates is deleted at the end.
    ///
    /// # Errors
    /// A failure if there is no answer.
    pub fn send(&self, request: &Request) -> Result<Answer, Stop> {
        let answer = self.client.send(request)?;
        if let Some(journal) = self.journal.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            journal.push(Arc::clone(&answer.exchange));
        }
        if (200..300).contains(&answer.status) && ["POST", "PUT"].contains(&request.method.as_str()) {
            self.remember(request, &answer);
        }
        Ok(answer)
    }

    /// What was said since it was asked before. The first time it is nothing: from then on it is kept.
    pub fn journal(&self) -> Vec<Arc<Exchange>> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner).replace(Vec::new()).unwrap_or_default()
    }

    fn remember(&self, request: &Request, answer: &Answer) {
        let path = request.path.split('?').next().unwrap_or_default().trim_matches('/');
        let mut created = self.created.lock().unwrap_or_else(PoisonError::into_inner);
        if request.method == "PUT" {
            // Some servers create what is put where nothing is.
            let place = (format!("/{path}"), request.as_other);
            if !created.contains(&place) {
                created.push(place);
            }
        } else if path.eq_ignore_ascii_case("bulk") {
            for operation in answer.body["Operations"].as_array().into_iter().flatten() {
                let made = operation["location"].as_str().filter(|_| operation["method"] == "POST");
                let place = made.and_then(|location| location.strip_prefix(self.base_url()).or(Some(location)));
                created.extend(
                    place.filter(|place| place.starts_with('/')).map(|place| (place.to_owned(), request.as_other)),
                );
            }
        } else if !path.contains('/') && !path.starts_with('.') {
            created.extend(answer.body["id"].as_str().map(|id| (format!("/{path}/{id}"), request.as_other)));
        }
    }

    /// Deletes everything that was created and is still there, the newest first. Answers what could not be deleted.
    pub fn clean_up(&self) -> Vec<String> {
        let created = std::mem::take(&mut *self.created.lock().unwrap_or_else(PoisonError::into_inner));
        // Groups first: with them go memberships that some servers keep users for.
        let (groups, others): (Vec<_>, Vec<_>) =
            created.into_iter().rev().partition(|(path, _)| path.starts_with("/Groups/"));
        let failures = Mutex::new(Vec::new());
        for batch in [groups, others] {
            in_parallel(8, batch.len(), |at| {
                let Some((path, as_other)) = batch.get(at) else { return };
                let request = Request { as_other: *as_other, ..Request::new("DELETE", path) };
                let problem = match self.client.send(&request) {
                    Ok(answer) if (200..300).contains(&answer.status) || answer.status == 404 => return,
                    Ok(answer) => format!("{path}: {}", answer.status),
                    Err(_silence) => format!("{path}: no answer"),
                };
                failures.lock().unwrap_or_else(PoisonError::into_inner).push(problem);
            });
        }
        failures.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// GET.
    ///
    /// # Errors
    /// A failure if there is no answer.
    pub fn get(&self, path: &str) -> Result<Answer, Stop> {
        self.send(&Request::new("GET", path))
    }

    /// POST.
    ///
    /// # Errors
    /// A failure if there is no answer.
    pub fn post(&self, path: &str, body: &Value) -> Result<Answer, Stop> {
        self.send(&Request::new("POST", path).json(body))
    }

    /// PUT.
    ///
    /// # Errors
    /// A failure if there is no answer.
    pub fn put(&self, path: &str, body: &Value) -> Result<Answer, Stop> {
        self.send(&Request::new("PUT", path).json(body))
    }

    /// PATCH with these operations.
    ///
    /// # Errors
    /// A failure if there is no answer.
    pub fn patch(&self, path: &str, operations: &Value) -> Result<Answer, Stop> {
        self.send(&Request::new("PATCH", path).json(&json!({ "schemas": [PATCH], "Operations": operations })))
    }

    /// PATCH that must succeed, then the resource as it is now, whatever the PATCH answered (RFC 7644 §3.5.2).
    ///
    /// # Errors
    /// A failure unless both succeed.
    pub fn patched(&self, path: &str, operations: &Value) -> Result<Answer, Stop> {
        self.patch(path, operations)?.expect_one_of(&[200, 204])?;
        self.read(path)
    }

    /// DELETE.
    ///
    /// # Errors
    /// A failure if there is no answer.
    pub fn delete(&self, path: &str) -> Result<Answer, Stop> {
        self.send(&Request::new("DELETE", path))
    }

    /// GET that must succeed.
    ///
    /// # Errors
    /// A failure unless it does.
    pub fn read(&self, path: &str) -> Result<Answer, Stop> {
        self.get(path)?.expect(200)
    }

    /// A new user with these attributes beside a name of its own. The answer to its creation.
    ///
    /// # Errors
    /// A failure unless it is created.
    pub fn user(&self, attributes: &Value) -> Result<Answer, Stop> {
        self.post("/Users", &self.user_body(attributes))?.expect(201)
    }

    /// The body of a new user: a name of its own, unless it stands among these attributes.
    pub fn user_body(&self, attributes: &Value) -> Value {
        let mut body = json!({ "schemas": [USER], "userName": self.name("user") });
        for (name, value) in attributes.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        if body.get(ENTERPRISE).is_some() {
            body["schemas"] = json!([USER, ENTERPRISE]);
        }
        body
    }

    /// The path of a new user.
    ///
    /// # Errors
    /// A failure unless it is created.
    pub fn user_path(&self, attributes: &Value) -> Result<String, Stop> {
        Ok(format!("/Users/{}", self.user(attributes)?.id()?))
    }

    /// The ids of so many new users.
    ///
    /// # Errors
    /// A failure unless they are created.
    pub fn people(&self, count: usize) -> Result<Vec<String>, Stop> {
        (0..count).map(|_| self.user(&json!({}))?.id()).collect()
    }

    /// A new group with these members, by id. The answer to its creation.
    ///
    /// # Errors
    /// A failure unless it is created.
    pub fn group<T: AsRef<str>>(&self, members: &[T]) -> Result<Answer, Stop> {
        let members: Vec<Value> = members.iter().map(|id| json!({ "value": id.as_ref() })).collect();
        let body = json!({ "schemas": [GROUP], "displayName": self.name("group"), "members": members });
        self.post("/Groups", &body)?.expect(201)
    }

    /// The ids of the members of a group, sorted.
    ///
    /// # Errors
    /// A failure if it cannot be read.
    pub fn members(&self, path: &str) -> Result<Vec<String>, Stop> {
        Ok(member_ids(&self.read(path)?))
    }

    /// The answer to `GET {endpoint}?filter=…`.
    ///
    /// # Errors
    /// A failure if there is none.
    pub fn filter(&self, endpoint: &str, filter: &str) -> Result<Answer, Stop> {
        self.get(&format!("{endpoint}?filter={}", encoded(filter)))
    }

    /// A list that must succeed.
    ///
    /// # Errors
    /// A failure unless it does.
    pub fn found(&self, endpoint: &str, filter: &str) -> Result<Answer, Stop> {
        self.filter(endpoint, filter)?.expect(200)
    }
}

/// The ids of the members in the body of a group, sorted.
pub fn member_ids(group: &Answer) -> Vec<String> {
    let members = group.body["members"].as_array().into_iter().flatten();
    let mut ids: Vec<String> = members.filter_map(|member| member["value"].as_str()).map(str::to_owned).collect();
    ids.sort();
    ids
}

/// As a value in a query.
pub fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// Calls it for every number below `count`, so many at a time. The results in the order of the numbers.
pub fn in_parallel<T: Send>(threads: usize, count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(count));
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, count.max(1)) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= count {
                        break;
                    }
                    let result = work(at);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_encoded_without_a_plus() {
        assert_eq!(encoded("a eq \"b+c\""), "a%20eq%20%22b%2Bc%22");
    }

    #[test]
    fn parallel_work_keeps_its_order() {
        assert_eq!(in_parallel(4, 100, |number| number * 2), (0..100).map(|number| number * 2).collect::<Vec<_>>());
        assert!(in_parallel(4, 0, |number| number).is_empty());
    }
}
