//! A GitHub of the test's own: teams with their members, repositories with their people.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::{FarSide, Seen};

/// An account: its identifier and what it is called.
pub type Account = (u64, String);

/// An account and what it may do with a repository.
pub type Person = (Account, &'static str);

/// What GitHub has: teams with their members, repositories with their people and what each may do there.
#[derive(Default)]
pub struct World {
    pub teams: Vec<(u64, String, Vec<Account>)>,
    pub repositories: Vec<(u64, String, Vec<Person>)>,
    /// Whatever is asked with this in its path and query is answered by 500.
    pub broken: Option<&'static str>,
    /// How the next requests are answered: status, headers, body.
    pub limited: VecDeque<(u16, String, String)>,
    /// How often it was asked.
    pub asked: usize,
}

pub fn account(id: u64, login: &str) -> Account {
    (id, login.to_owned())
}

fn shown((id, login): &Account) -> Value {
    json!({ "id": id, "login": login, "type": "User" })
}

impl World {
    fn list(&self, path: &[&str]) -> Option<Vec<Value>> {
        Some(match path {
            ["orgs", "acme", "teams"] => self
                .teams
                .iter()
                .map(|(id, slug, _)| json!({ "id": id, "slug": slug, "name": slug.to_uppercase() }))
                .collect(),
            ["orgs", "acme", "teams", slug, "members"] => {
                let (.., members) = self.teams.iter().find(|(_, name, _)| name == slug)?;
                members.iter().map(shown).collect()
            }
            ["orgs", "acme", "repos"] => {
                self.repositories.iter().map(|(id, name, _)| json!({ "id": id, "name": name })).collect()
            }
            ["repos", "acme", name, "collaborators"] => {
                let (.., people) = self.repositories.iter().find(|(_, called, _)| called == name)?;
                let one = |(account, level): &Person| {
                    let (admin, maintain) = (*level == "admin", ["admin", "maintain"].contains(level));
                    let push = maintain || *level == "write";
                    let mut shown = shown(account);
                    shown["permissions"] =
                        json!({ "admin": admin, "maintain": maintain, "push": push, "triage": true, "pull": true });
                    shown
                };
                people.iter().map(one).collect()
            }
            _ => return None,
        })
    }

    /// Two entries a page, as GitHub says it: the next page is named in `Link`.
    fn answer(&mut self, seen: &Seen) -> (u16, String, String) {
        assert_eq!(seen.headers["authorization"], "Bearer gh-token");
        self.asked += 1;
        if let Some(answer) = self.limited.pop_front() {
            return answer;
        }
        if self.broken.is_some_and(|part| seen.path.contains(part)) {
            return (500, String::new(), String::new());
        }
        let (path, query) = seen.path.split_once('?').unwrap();
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let Some(all) = self.list(&segments) else { return (404, String::new(), "{}".to_owned()) };
        let page: usize = query.split_once("&page=").map_or(1, |(_, page)| page.parse().unwrap());
        let here: Vec<Value> = all.iter().skip((page - 1) * 2).take(2).cloned().collect();
        let next = if page * 2 < all.len() {
            format!("Link: <http://{}{path}?per_page=100&page={}>; rel=\"next\"\r\n", seen.headers["host"], page + 1)
        } else {
            String::new()
        };
        (200, next, Value::Array(here).to_string())
    }
}

/// GitHub with a team of three and a repository, and the three here.
pub fn world() -> World {
    let (ada, ben, cyn) = (account(1, "ada"), account(2, "ben"), account(3, "cyn"));
    World {
        teams: vec![(10, "crew".to_owned(), vec![ada.clone(), ben.clone(), cyn.clone()])],
        repositories: vec![(
            20,
            "billing".to_owned(),
            vec![(ada, "admin"), (ben, "maintain"), (cyn, "write"), (account(4, "dan"), "read")],
        )],
        ..World::default()
    }
}

pub fn stand_in() -> (Arc<Mutex<World>>, FarSide) {
    let world = Arc::new(Mutex::new(world()));
    let asked = Arc::clone(&world);
    (world, FarSide::start_with_headers(move |seen| asked.lock().unwrap().answer(seen)))
}
