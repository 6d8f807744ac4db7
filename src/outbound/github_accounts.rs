//! The members of an organization at GitHub, and the teams they are in.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::live::{FetchAccounts, NotFetched};
use crate::model::{Destinations, DownstreamAccount};

use super::client::Client;
use super::github_api::Fetching;

/// How long is waited at once for GitHub to answer again, in seconds: somebody waits for the comparison.
const PATIENCE: i64 = 30;

#[derive(Deserialize)]
struct Member {
    login: String,
    id: u64,
}

#[derive(Deserialize)]
struct Team {
    name: String,
    slug: String,
}

/// Fetches where outgoing requests may go.
pub fn fetcher() -> Box<FetchAccounts> {
    Box::new(|destinations: &Destinations, api, organization, token| {
        let mut fetching = Fetching::new(Client::new(destinations.clone()), token, PATIENCE);
        accounts(&mut fetching, api, organization).map_err(|error| error.problem)
    })
}

fn accounts(fetching: &mut Fetching<'_>, api: &str, organization: &str) -> Result<Vec<DownstreamAccount>, NotFetched> {
    let members: Vec<Member> = fetching.list(api, &["orgs", organization, "members"])?;
    let mut accounts: BTreeMap<u64, DownstreamAccount> = BTreeMap::new();
    for member in members {
        let (name, id, groups) = (member.login, Some(member.id.to_string()), BTreeSet::new());
        accounts.insert(member.id, DownstreamAccount { name, id, groups, ..DownstreamAccount::default() });
    }
    let teams: Vec<Team> = fetching.list(api, &["orgs", organization, "teams"])?;
    for team in teams {
        let members: Vec<Member> = fetching.list(api, &["orgs", organization, "teams", &team.slug, "members"])?;
        for member in members {
            if let Some(account) = accounts.get_mut(&member.id) {
                account.groups.insert(team.name.clone());
            }
        }
    }
    Ok(accounts.into_values().collect())
}
