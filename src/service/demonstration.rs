//! A company that is made up, with a year of joins, moves and leaves: what `muster demo` shows.
//!
//! Everything arrives as it does in earnest: identity providers send requests, administrators apply documents, and the
//! use cases carry them out, under a clock that the caller moves.

mod access;
mod company;
mod dice;
mod exchange;
mod pipeline;
mod provider;
mod year;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::db::users;
use crate::ids;
use crate::model::{
    Actor, AssignmentSource, Caller, Connection, CredentialKind, Moment, NameError, OrganizationId, Precondition,
    Profile, Reason, ResourceId, RoleName, ScopePath, UserId,
};
use crate::service::access::{NewAssignment, WantedPrincipal};
use crate::service::administration::AdministrationError;
use crate::service::people::groups as local_groups;
use crate::service::{ServiceError, Services};

use company::{Company, known};
use dice::Dice;
use exchange::{Answer, Kind, Request, Sender};
use pipeline::Pipeline;
use provider::Provider;
use year::{Act, DAY, Document, MINUTE, Plan, YEAR};

/// How long the year is, in microseconds: the clock must stand so long before the moment at which it is to end.
pub const LENGTH: i64 = YEAR;
/// The seed when nothing else is said.
pub const SEED: u32 = 1;

/// How long the request log reaches back, so that no more is put in it.
const REQUEST_LOG: i64 = 30 * DAY;
/// How long the connections' tokens are good from the beginning on: they outlive the year by half a year.
const TOKEN_MICROS: i64 = YEAR + YEAR / 2;

/// What was made.
#[derive(Debug, Clone)]
pub struct Demonstration {
    /// The organization.
    pub organization: OrganizationId,
    /// Its slug.
    pub slug: &'static str,
    /// Somebody who administers it.
    pub administrator: UserId,
    /// That person's userName.
    pub administrator_name: String,
}

/// Why a company could not be made up.
#[derive(Debug, thiserror::Error)]
pub enum DemonstrationError {
    /// There are people already, who may be real.
    #[error("the database holds people already; a demonstration needs a database of its own")]
    NotEmpty,
    /// Administration failed.
    #[error(transparent)]
    Administration(#[from] AdministrationError),
    /// A use case failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// A name that is written down here is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A provider was refused what should have been carried out.
    #[error("the demonstration was refused a {0} with status {1}")]
    Refused(&'static str, u16),
}

/// Fills an empty database under a clock that is moved by hand and stands [`LENGTH`] before the end. Blocks.
///
/// # Errors
/// [`DemonstrationError`].
pub fn fill(services: &Services, seed: u32) -> Result<Demonstration, DemonstrationError> {
    let administration = services.administration(&local(services, OrganizationId::new(uuid::Uuid::nil())));
    for organization in administration.organizations()? {
        let anybody =
            services.live.read(|tx| users::page_after(tx, organization.id, UserId::new(uuid::Uuid::nil()), 1));
        if !anybody.map_err(AdministrationError::Database)?.is_empty() {
            return Err(DemonstrationError::NotEmpty);
        }
    }
    let slug = "kestrel";
    let made = administration.create_organization(&slug.parse()?, &"Kestrel Freight (demo)".parse()?)?;
    administration.mark_demonstration(made.id, i64::from(seed))?;
    let ends = services.clock.now().plus_micros(LENGTH);
    let mut dice = Dice::new(u64::from(seed));
    let Plan { company, first, fathom, contractors, acts } = year::plan(&mut dice, ends);
    let mut telling = Telling {
        services,
        organization: made.id,
        ends,
        dice,
        company,
        ids: BTreeMap::new(),
        providers: BTreeMap::new(),
        groups: BTreeMap::new(),
        senders: Vec::new(),
        left: BTreeSet::new(),
        pipeline: None,
    };
    for (at, act) in acts {
        telling.until(at);
        match act {
            Act::Okta => telling.connect(Provider::Okta, "okta", Profile::Okta, &first)?,
            Act::Entra => telling.connect(Provider::Entra, "entra-fathom", Profile::Entra, &fathom)?,
            Act::OneLogin => {
                telling.connect(Provider::OneLogin, "onelogin-contractors", Profile::Default, &contractors)?;
            }
            other => telling.tell(other)?,
        }
    }
    telling.until(ends);
    services.live.settle_request_log();
    let administrator = telling.user(known::DANA)?;
    let administrator_name =
        telling.company.get(known::DANA).map(|person| person.user_name.clone()).unwrap_or_default();
    Ok(Demonstration { organization: made.id, slug, administrator, administrator_name })
}

/// Somebody at work in the organization, in a request of its own.
fn local(services: &Services, organization: OrganizationId) -> Caller {
    Caller::local(organization, Actor::CommandLine, ids::request(services.clock.now()))
}

/// The year, as far as it has been told.
struct Telling<'a> {
    services: &'a Services,
    organization: OrganizationId,
    ends: Moment,
    dice: Dice,
    company: Company,
    /// The ids that people got.
    ids: BTreeMap<usize, String>,
    providers: BTreeMap<usize, Provider>,
    /// The ids that groups got.
    groups: BTreeMap<&'static str, String>,
    senders: Vec<(Provider, Sender<'a>)>,
    /// Who has left.
    left: BTreeSet<usize>,
    /// What deploys, once something does.
    pipeline: Option<Pipeline>,
}

type Told = Result<(), DemonstrationError>;

impl Telling<'_> {
    fn until(&self, at: Moment) {
        let ahead = at.as_micros().saturating_sub(self.services.clock.now().as_micros());
        self.services.clock.advance(ahead.max(0));
    }

    fn sender(&self, provider: Provider) -> Result<&Sender<'_>, DemonstrationError> {
        let sender = self.senders.iter().find(|(one, _)| *one == provider).map(|(_, sender)| sender);
        sender.ok_or(DemonstrationError::Refused("request over a connection that is not there", 401))
    }

    /// Sends what must be carried out. The next request follows a moment later.
    fn send(&mut self, provider: Provider, request: &Request) -> Result<Answer, DemonstrationError> {
        let answer = self.sender(provider)?.send(request)?;
        self.services.clock.advance(self.dice.between(MINUTE / 600, MINUTE / 60));
        if answer.status >= 400 {
            return Err(DemonstrationError::Refused("request", answer.status));
        }
        Ok(answer)
    }

    fn id(&self, number: usize) -> Result<String, DemonstrationError> {
        self.ids.get(&number).cloned().ok_or(DemonstrationError::Refused("person who is not there", 404))
    }

    fn user(&self, number: usize) -> Result<UserId, DemonstrationError> {
        self.id(number)?.parse().map_err(|_none| DemonstrationError::Refused("person who is not there", 404))
    }

    /// A connection is made and everybody arrives over it, then the groups.
    fn connect(&mut self, provider: Provider, name: &str, profile: Profile, people: &[usize]) -> Told {
        let administration = self.services.administration(&local(self.services, self.organization));
        let connection: Connection = administration.create_connection(self.organization, &name.parse()?, profile)?;
        let (credential, _token) = administration.issue_credential(
            self.organization,
            CredentialKind::Scim,
            Some(connection.id),
            TOKEN_MICROS,
        )?;
        self.services.live.count_read(self.organization, connection.id, self.services.clock.now());
        let logs_from = self.ends.plus_micros(-REQUEST_LOG);
        self.senders.push((provider, Sender { services: self.services, connection, credential, logs_from }));
        let mut teams: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
        for number in people {
            let id = self.create(provider, *number)?;
            if let Some(person) = self.company.get(*number) {
                teams.entry(person.group).or_default().push(id);
            }
        }
        for (name, members) in teams {
            self.send(provider, &Request::Find(Kind::Group, format!("displayName eq \"{name}\"")))?;
            let made = self.send(provider, &provider.group(name, &members))?;
            let id = made.id.map(|id| id.to_string()).unwrap_or_default();
            if provider == Provider::Entra {
                self.send(provider, &provider.join(&id, &members))?;
            }
            self.groups.insert(name, id);
        }
        Ok(())
    }

    fn create(&mut self, provider: Provider, number: usize) -> Result<String, DemonstrationError> {
        let missing = DemonstrationError::Refused("person who was not made up", 404);
        let person = self.company.get(number).cloned().ok_or(missing)?;
        self.send(provider, &provider.find(&person))?;
        let made = self.send(provider, &Request::Create(Kind::User, provider.person(&person, true)))?;
        let id = made.id.map(|id| id.to_string()).unwrap_or_default();
        self.ids.insert(number, id.clone());
        self.providers.insert(number, provider);
        Ok(id)
    }

    fn tell(&mut self, act: Act) -> Told {
        match act {
            Act::Join(number) => {
                let id = self.create(Provider::Okta, number)?;
                let group = self.company.get(number).map(|person| person.group).unwrap_or_default();
                self.join(group, id)
            }
            Act::Move(number, team, leaves) => self.transfer(number, team, leaves),
            Act::Leave(number) => {
                let provider = self.providers.get(&number).copied().unwrap_or(Provider::Okta);
                let id = self.id(number)?;
                self.send(provider, &provider.deactivate(&id))?;
                self.left.insert(number);
                // Okta takes whoever is deactivated out of the groups it pushes.
                if let (Provider::Okta, Some(person)) = (provider, self.company.get(number)) {
                    let group = self.groups.get(person.group).cloned().unwrap_or_default();
                    self.send(provider, &provider.leave(&group, &id))?;
                }
                Ok(())
            }
            Act::Forget(number) => {
                let id = self.id(number)?;
                self.send(Provider::Entra, &Request::Delete(Kind::User, id)).map(drop)
            }
            Act::Cycle => {
                self.send(Provider::Entra, &Request::Find(Kind::User, "externalId eq \"none\"".to_owned())).map(drop)
            }
            Act::Refused(time) => self.refused(time),
            Act::LocalGroups => self.local_groups(),
            Act::Apply(document) => {
                let text = match document {
                    Document::AtFirst => access::at_first(self.ends),
                    Document::WithFathom => access::with_fathom(self.ends),
                    Document::WithContractors => access::with_contractors(self.ends),
                };
                let caller = local(self.services, self.organization);
                crate::service::access::apply(self.services, &caller, &text)?;
                Ok(())
            }
            Act::Cover => self.cover(),
            Act::Ask(chance, project) => self.ask(chance, project),
            // Connections are made by the caller, who knows whom they bring.
            Act::Okta | Act::Entra | Act::OneLogin => Ok(()),
        }
    }

    fn join(&mut self, group: &str, id: String) -> Told {
        let group = self.groups.get(group).cloned().unwrap_or_default();
        self.send(Provider::Okta, &Provider::Okta.join(&group, &[id])).map(drop)
    }

    fn transfer(&mut self, number: usize, team: usize, leaves: bool) -> Told {
        let Some(team) = company::OKTA_TEAMS.get(team) else { return Ok(()) };
        let before = self.company.get(number).map(|person| person.group).unwrap_or_default();
        if before == team.group {
            return Ok(());
        }
        self.company.transfer(&mut self.dice, number, team);
        let id = self.id(number)?;
        if let Some(person) = self.company.get(number).cloned() {
            self.send(Provider::Okta, &Provider::Okta.change(&person, &id))?;
        }
        self.join(team.group, id.clone())?;
        if leaves {
            let group = self.groups.get(before).cloned().unwrap_or_default();
            self.send(Provider::Okta, &Provider::Okta.leave(&group, &id))?;
        }
        Ok(())
    }

    /// Groups that administrators keep themselves, two of them within a third.
    fn local_groups(&mut self) -> Told {
        let services = self.services;
        let make = |name: &str, members: &[ResourceId]| -> Result<ResourceId, DemonstrationError> {
            let caller = local(services, self.organization);
            let group = local_groups::create(services, &caller, name)?.group.id;
            for member in members {
                services.clock.advance(MINUTE / 4);
                local_groups::add(services, &caller, group, *member, &Precondition::None)?;
            }
            Ok(group.into())
        };
        let person = |number| self.user(number).map(ResourceId::from);
        let billing = make("Billing on-call", &[person(known::AMARA)?, person(known::INES)?])?;
        let platform = make("Platform on-call", &[person(known::JONAS)?])?;
        make("Incident responders", &[billing, platform, person(known::KOFI)?])?;
        make("Warehouse release crew", &[person(known::PRIYA)?, person(known::LARS)?])?;
        Ok(())
    }

    /// Somebody deploys in another's place, until a day three weeks before the end.
    fn cover(&mut self) -> Told {
        let administration = self.services.administration(&local(self.services, self.organization));
        let unfitting = |text: String| DemonstrationError::from(AdministrationError::Unfitting(text));
        let wanted = NewAssignment {
            principal: WantedPrincipal::User(self.id(known::ROSA)?),
            role: "deployer".parse::<RoleName>().map_err(|error| unfitting(error.to_string()))?,
            scope: "/customs/production".parse::<ScopePath>().map_err(|error| unfitting(error.to_string()))?,
            from: None,
            until: Some(self.ends.plus_micros(-21 * DAY)),
            source: AssignmentSource::Administrator,
            approver: Some(self.user(known::KOFI)?.into()),
            reason: Some("Covers for Uma's leave".parse::<Reason>().map_err(|error| unfitting(error.to_string()))?),
        };
        administration.assign(self.organization, &wanted)?;
        Ok(())
    }

    /// A pipeline is about to deploy for somebody: mostly for one of those whose work it is, now and then for whoever else
    /// has pressed the button.
    fn ask(&mut self, chance: usize, project: usize) -> Told {
        let pipeline = match self.pipeline.take() {
            Some(pipeline) => pipeline,
            None => Pipeline::new(self.services, self.organization)?,
        };
        let is_anybody = chance.is_multiple_of(8);
        let fits = |number: &&usize| {
            let works = self.company.get(**number).is_some_and(|person| person.group == "sre");
            !self.left.contains(number) && (works || is_anybody)
        };
        let all: Vec<&usize> = self.ids.keys().filter(fits).collect();
        let chosen =
            all.get(chance.checked_rem(all.len()).unwrap_or_default()).and_then(|number| self.company.get(**number));
        let who = chosen.map(|person| person.user_name.as_str()).unwrap_or_default();
        let name = access::PROJECTS.get(project).map(|(name, _)| *name).unwrap_or_default();
        let asked = pipeline.ask(self.services, self.organization, who, &format!("/{name}/production"));
        self.pipeline = Some(pipeline);
        Ok(asked?)
    }

    /// OneLogin goes on writing a contractor who was hired and is Okta's now, and sends a person without a name.
    fn refused(&mut self, time: usize) -> Told {
        let (Some(mei), id) = (self.company.get(known::MEI).cloned(), self.id(known::MEI)?) else { return Ok(()) };
        let onelogin = Provider::OneLogin;
        let request = match time % 3 {
            0 => Request::Create(Kind::User, onelogin.person(&mei, true)),
            1 => Request::Replace(Kind::User, id, onelogin.person(&mei, false)),
            _ => Request::Create(Kind::User, json!({ "name": { "givenName": "Temp", "familyName": "Agency" } })),
        };
        self.sender(onelogin)?.send(&onelogin.find(&mei))?;
        match self.sender(onelogin)?.send(&request)?.status {
            400.. => Ok(()),
            status => Err(DemonstrationError::Refused("refusal", status)),
        }
    }
}
