//! Reconciliation: the accounts of a downstream system held against the people here.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{UserId, fold};

/// An account of a downstream system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DownstreamAccount {
    /// What it is called there.
    pub name: String,
    /// Its identifier there, which names are not: another may bear the name tomorrow.
    pub id: Option<String>,
    /// Its address.
    pub email: Option<String>,
    /// The userName it says it belongs to.
    pub user_name: Option<String>,
    /// The externalId it says it belongs to.
    pub external_id: Option<String>,
    /// The groups it is in there.
    pub groups: BTreeSet<String>,
}

impl DownstreamAccount {
    /// What an administrator ties to somebody: the identifier, or the name of an account without one.
    pub fn key(&self) -> &str {
        self.id.as_deref().unwrap_or(&self.name)
    }
}

/// What the people of an organization are known by.
#[derive(Debug, Clone, Default)]
pub struct KnownPeople {
    owners: BTreeMap<String, UserId>,
    external_ids: BTreeMap<String, BTreeSet<UserId>>,
    user_names: BTreeMap<String, BTreeSet<UserId>>,
    emails: BTreeMap<String, BTreeSet<UserId>>,
    /// Who may act, with the userName.
    present: BTreeMap<UserId, String>,
    /// The groups by their folded names: as they are called, and who is in them.
    groups: BTreeMap<String, (String, BTreeSet<UserId>)>,
}

/// An account that belongs to somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owned {
    /// The account.
    pub account: String,
    /// Whose.
    pub user: String,
}

/// An account nobody is known to have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orphan {
    /// The account.
    pub account: String,
    /// What it can be tied by.
    pub key: String,
    /// Whether several people might have it.
    pub ambiguous: bool,
}

/// Somebody without an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// Who.
    pub user: String,
    /// The userName.
    pub user_name: String,
}

/// A membership on one side only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Differing {
    /// The group.
    pub group: String,
    /// Who.
    pub user: String,
    /// Where the membership is: `downstream` or `here`.
    pub only: String,
}

/// What a comparison came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// How many accounts there were.
    pub accounts: usize,
    /// Accounts nobody is known to have.
    pub orphans: Vec<Orphan>,
    /// Accounts of people who are gone.
    pub leavers: Vec<Owned>,
    /// People without an account.
    pub missing: Vec<Missing>,
    /// Memberships on one side only, of groups that are on both.
    pub groups: Vec<Differing>,
    /// Groups downstream that are not here.
    pub unknown_groups: Vec<String>,
}

impl KnownPeople {
    /// An account that an administrator has tied to somebody.
    pub fn owner(&mut self, account: String, user: UserId) {
        self.owners.insert(account, user);
    }

    /// Somebody, present or gone; keys are folded except the externalId.
    pub fn person(
        &mut self,
        user: UserId,
        present: bool,
        user_name: &str,
        external_id: Option<&str>,
        emails: &BTreeSet<String>,
    ) {
        self.user_names.entry(fold(user_name)).or_default().insert(user);
        if let Some(external_id) = external_id {
            self.external_ids.entry(external_id.to_owned()).or_default().insert(user);
        }
        for email in emails {
            self.emails.entry(email.clone()).or_default().insert(user);
        }
        if present {
            self.present.insert(user, user_name.to_owned());
        }
    }

    /// A group and who is in it.
    pub fn group(&mut self, name: &str, members: impl IntoIterator<Item = UserId>) {
        self.groups.entry(fold(name)).or_insert_with(|| (name.to_owned(), BTreeSet::new())).1.extend(members);
    }

    /// Whose an account is: first by what an administrator said, then by externalId, userName and address. Of several,
    /// the one who is present; `Err` if that does not tell.
    fn owner_of(&self, account: &DownstreamAccount) -> Result<Option<UserId>, ()> {
        if let Some(user) = self.owners.get(account.key()) {
            return Ok(Some(*user));
        }
        let none = BTreeSet::new();
        let by_external_id = account.external_id.as_ref().and_then(|key| self.external_ids.get(key));
        let by_user_name = self.user_names.get(&fold(account.user_name.as_deref().unwrap_or(&account.name)));
        let by_email = account.email.as_ref().and_then(|email| self.emails.get(&fold(email)));
        for found in [by_external_id, by_user_name, by_email].map(|found| found.unwrap_or(&none)) {
            let present: Vec<UserId> = found.iter().copied().filter(|user| self.present.contains_key(user)).collect();
            match (present.as_slice(), found.len()) {
                ([one], _) => return Ok(Some(*one)),
                ([], 0) => {}
                // Somebody who left and came back and left again bore the same: any of them is gone.
                ([], _) => return Ok(found.first().copied()),
                _ => return Err(()),
            }
        }
        Ok(None)
    }

    /// Compares. Names of groups that are here more than once count as one.
    pub fn compare(&self, accounts: &[DownstreamAccount]) -> Report {
        let mut report = Report { accounts: accounts.len(), ..Report::default() };
        let mut seen: BTreeSet<UserId> = BTreeSet::new();
        let mut downstream: BTreeMap<String, (String, BTreeSet<UserId>)> = BTreeMap::new();
        for account in accounts {
            for group in &account.groups {
                downstream.entry(fold(group)).or_insert_with(|| (group.clone(), BTreeSet::new()));
            }
            let owner = self.owner_of(account);
            let Ok(Some(user)) = owner else {
                let (account, key) = (account.name.clone(), account.key().to_owned());
                report.orphans.push(Orphan { account, key, ambiguous: owner.is_err() });
                continue;
            };
            if !self.present.contains_key(&user) {
                report.leavers.push(Owned { account: account.name.clone(), user: user.to_string() });
                continue;
            }
            seen.insert(user);
            for group in &account.groups {
                if let Some((_, members)) = downstream.get_mut(&fold(group)) {
                    members.insert(user);
                }
            }
        }
        let missing = self.present.iter().filter(|(user, _)| !seen.contains(user));
        report.missing =
            missing.map(|(user, name)| Missing { user: user.to_string(), user_name: name.clone() }).collect();
        for (key, (name, there)) in &downstream {
            let Some((_, here)) = self.groups.get(key) else {
                report.unknown_groups.push(name.clone());
                continue;
            };
            let differing = |user: &UserId, only: &str| Differing {
                group: name.clone(),
                user: user.to_string(),
                only: only.to_owned(),
            };
            report.groups.extend(there.difference(here).map(|user| differing(user, "downstream")));
            // Who has no account is missing already, and who is gone is in no group any more.
            let only_here = here.difference(there).filter(|user| seen.contains(user));
            report.groups.extend(only_here.map(|user| differing(user, "here")));
        }
        report
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn user(number: u128) -> UserId {
        UserId::new(Uuid::from_u128(number))
    }

    fn account(name: &str) -> DownstreamAccount {
        DownstreamAccount { name: name.to_owned(), ..DownstreamAccount::default() }
    }

    fn known() -> KnownPeople {
        let mut known = KnownPeople::default();
        let emails = |address: &str| BTreeSet::from([address.to_owned()]);
        known.person(user(1), true, "Ada", Some("e1"), &emails("ada@example.com"));
        known.person(user(2), false, "bob", Some("e2"), &emails("bob@example.com"));
        known.person(user(3), true, "cyn", None, &emails("shared@example.com"));
        known.person(user(4), true, "dan", None, &emails("shared@example.com"));
        known.group("Crew", [user(1), user(3)]);
        known
    }

    #[test]
    fn accounts_are_known_by_a_tie_then_external_id_then_user_name_then_address() {
        let mut known = known();
        known.owner("99".to_owned(), user(3));
        let tied =
            DownstreamAccount { id: Some("99".to_owned()), external_id: Some("e1".to_owned()), ..account("ada") };
        assert_eq!(known.owner_of(&tied), Ok(Some(user(3))));
        let by_external_id = DownstreamAccount { external_id: Some("e1".to_owned()), ..account("bob") };
        assert_eq!(known.owner_of(&by_external_id), Ok(Some(user(1))));
        assert_eq!(known.owner_of(&account("ADA")), Ok(Some(user(1))));
        let by_address = DownstreamAccount { email: Some("Bob@Example.com".to_owned()), ..account("b") };
        assert_eq!(known.owner_of(&by_address), Ok(Some(user(2))));
        let shared = DownstreamAccount { email: Some("shared@example.com".to_owned()), ..account("s") };
        assert_eq!(known.owner_of(&shared), Err(()));
        assert_eq!(known.owner_of(&account("nobody")), Ok(None));
    }

    #[test]
    fn a_report_tells_orphans_leavers_missing_people_and_memberships_on_one_side() {
        let in_groups = |name: &str, groups: &[&str]| DownstreamAccount {
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            ..account(name)
        };
        let list = [in_groups("ada", &["elsewhere"]), account("bob"), account("root"), in_groups("dan", &["crew"])];
        let report = known().compare(&list);
        assert_eq!(report.accounts, 4);
        assert_eq!(report.orphans.iter().map(|orphan| orphan.account.as_str()).collect::<Vec<_>>(), ["root"]);
        assert_eq!(report.leavers, [Owned { account: "bob".to_owned(), user: user(2).to_string() }]);
        assert_eq!(report.missing.iter().map(|one| one.user_name.as_str()).collect::<Vec<_>>(), ["cyn"]);
        let groups: Vec<(String, &str)> =
            report.groups.iter().map(|one| (one.user.clone(), one.only.as_str())).collect();
        assert_eq!(groups, [(user(4).to_string(), "downstream"), (user(1).to_string(), "here")]);
        assert_eq!(report.unknown_groups, ["elsewhere"]);
    }
}
