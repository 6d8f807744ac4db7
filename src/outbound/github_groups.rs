//! What GitHub has of groups: the teams of an organization, and who may administer, maintain and write its repositories.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::live::{FetchGroups, GithubGroups, NotFetched};
use crate::model::{Destinations, MirroredGroup, limits};

use super::client::Client;
use super::github_api::Fetching;

/// How long is waited at once for GitHub to answer again, in seconds: a refresh is tried again anyway.
const PATIENCE: i64 = 2;

#[derive(Deserialize)]
struct Team {
    id: u64,
    slug: String,
}

#[derive(Deserialize)]
struct Repository {
    id: u64,
    name: String,
}

#[derive(Deserialize)]
struct Account {
    login: String,
    id: u64,
}

#[derive(Deserialize)]
struct Collaborator {
    #[serde(flatten)]
    account: Account,
    permissions: Permissions,
}

/// What somebody may do with a repository.
#[derive(Deserialize)]
struct Permissions {
    admin: bool,
    maintain: bool,
    push: bool,
}

/// What somebody may do with a repository at least, and what the group of those is called.
const LEVELS: [(u8, &str); 3] = [(3, "admin"), (2, "maintain"), (1, "write")];

impl Permissions {
    const fn rank(&self) -> u8 {
        match self {
            Self { admin: true, .. } => 3,
            Self { maintain: true, .. } => 2,
            Self { push: true, .. } => 1,
            _ => 0,
        }
    }
}

/// Fetches where outgoing requests may go.
pub fn fetcher() -> Box<FetchGroups> {
    Box::new(|destinations: &Destinations, wanted: &GithubGroups<'_>| {
        groups(&mut Fetching::new(Client::new(destinations.clone()), wanted.token, PATIENCE), wanted)
    })
}

/// All of it or nothing: one list that cannot be had is an error.
fn groups(fetching: &mut Fetching<'_>, wanted: &GithubGroups<'_>) -> Result<Vec<MirroredGroup>, NotFetched> {
    let GithubGroups { api, organization, repositories, .. } = *wanted;
    let mut groups = Vec::new();
    let teams: Vec<Team> = fetching.list(api, &["orgs", organization, "teams"])?;
    for team in teams {
        let members: Vec<Account> = fetching.list(api, &["orgs", organization, "teams", &team.slug, "members"])?;
        let name = format!("@{organization}/{}", team.slug);
        groups.push(MirroredGroup { key: format!("team:{}", team.id), name, accounts: accounts(&members) });
        is_few(&groups)?;
    }
    let mut found: Vec<Repository> = fetching.list(api, &["orgs", organization, "repos"])?;
    let is = |name: &str, repository: &Repository| repository.name.eq_ignore_ascii_case(name);
    if let Some(missing) = repositories.iter().find(|name| !found.iter().any(|one| is(name, one))) {
        return Err(format!("GitHub shows no repository `{organization}/{missing}` to this token").into());
    }
    found.retain(|one| repositories.is_empty() || repositories.iter().any(|name| is(name, one)));
    for repository in found {
        let path = ["repos", organization, &repository.name, "collaborators"];
        let people: Vec<Collaborator> = fetching.list(api, &path)?;
        for (rank, level) in LEVELS {
            let among = people.iter().filter(|one| one.permissions.rank() >= rank).map(|one| &one.account);
            groups.push(MirroredGroup {
                key: format!("repository:{}:{level}", repository.id),
                name: format!("{organization}/{}:{level}", repository.name),
                accounts: accounts(among),
            });
        }
        is_few(&groups)?;
    }
    Ok(groups)
}

fn is_few(groups: &[MirroredGroup]) -> Result<(), String> {
    if groups.len() <= limits::MIRRORED_GROUPS {
        return Ok(());
    }
    Err(format!("GitHub has more than {} groups here; name the repositories that count", limits::MIRRORED_GROUPS))
}

fn accounts<'a>(all: impl IntoIterator<Item = &'a Account>) -> BTreeMap<String, String> {
    all.into_iter().map(|account| (account.id.to_string(), account.login.clone())).collect()
}
