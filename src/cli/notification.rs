//! `muster notification`.

use std::collections::BTreeSet;

use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::config::Settings;
use crate::model::{EmailAddress, NoticeKind, ResourceId};
use crate::service::administration::Administration;
use crate::service::notifications::{NewSubscription, SubscriptionChoice, Target};

use super::error::CommandError;
use super::organization_choice::OrganizationChoice;
use super::{output, session};

#[derive(Debug, Subcommand)]
pub(super) enum NotificationCommand {
    /// Let an administrator be told by mail, or an address by webhook; prints its id, and a webhook's key this once
    Add(Add),
    /// List who is told of what
    List {
        #[command(flatten)]
        organization: OrganizationChoice,
    },
    /// Say of what somebody is told
    Set {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// The subscription
        id: ResourceId,
        /// Of what, again for each
        #[arg(long = "of", value_name = "KIND", required = true, value_parser = kind())]
        kinds: Vec<NoticeKind>,
    },
    /// Send a notification that says that being told works
    Test(Named),
    /// Tell somebody no more
    Remove(Named),
}

#[derive(Debug, clap::Args)]
pub(super) struct Named {
    #[command(flatten)]
    organization: OrganizationChoice,
    /// The subscription
    id: ResourceId,
}

#[derive(Debug, clap::Args)]
#[group(id = "target", required = true, multiple = false, args = ["mail", "webhook"])]
pub(super) struct Add {
    #[command(flatten)]
    organization: OrganizationChoice,
    /// The address with which an administrator signs in
    #[arg(long, value_name = "ADDRESS")]
    mail: Option<EmailAddress>,
    /// Where webhooks go
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// Of what, again for each [default: of everything]
    #[arg(long = "of", value_name = "KIND", value_parser = kind())]
    kinds: Vec<NoticeKind>,
}

fn kind() -> impl TypedValueParser<Value = NoticeKind> {
    PossibleValuesParser::new(NoticeKind::ALL.map(NoticeKind::as_str))
        .try_map(|name| NoticeKind::from_name(&name).ok_or("not a kind"))
}

pub(super) fn run(command: &NotificationCommand, settings: &Settings) -> Result<(), CommandError> {
    session::administer(settings, |administration| match command {
        NotificationCommand::Add(add) => self::add(administration, add),
        NotificationCommand::List { organization } => list(administration, organization),
        NotificationCommand::Set { organization, id, kinds } => {
            let organization = organization.find(administration)?.id;
            let kinds: BTreeSet<NoticeKind> = kinds.iter().copied().collect();
            Ok(administration.change_subscription(organization, *id, &kinds, None)?)
        }
        NotificationCommand::Test(named) => {
            Ok(administration.test_subscription(named.organization.find(administration)?.id, named.id)?)
        }
        NotificationCommand::Remove(named) => {
            Ok(administration.unsubscribe(named.organization.find(administration)?.id, named.id)?)
        }
    })
}

fn add(administration: &Administration, add: &Add) -> Result<(), CommandError> {
    let organization = add.organization.find(administration)?.id;
    let choice = match (&add.mail, &add.webhook) {
        (Some(address), _) => SubscriptionChoice::Mail(address.clone()),
        (None, url) => SubscriptionChoice::Webhook(url.clone().unwrap_or_default()),
    };
    let kinds: BTreeSet<NoticeKind> =
        if add.kinds.is_empty() { NoticeKind::ALL.into_iter().collect() } else { add.kinds.iter().copied().collect() };
    let (shown, secret) = administration.subscribe(organization, &NewSubscription { choice, kinds })?;
    output::line(&shown.stored.subscription.id.to_string())?;
    secret.map_or(Ok(()), |secret| output::line(&secret))
}

fn list(administration: &Administration, organization: &OrganizationChoice) -> Result<(), CommandError> {
    let organization = organization.find(administration)?.id;
    let nothing = || output::NOTHING.to_owned();
    let rows: Vec<[String; 4]> = administration
        .subscriptions(organization)?
        .into_iter()
        .map(|shown| {
            let subscription = shown.stored.subscription;
            let to = match subscription.target {
                Target::Webhook { endpoint, .. } => Some(endpoint),
                Target::Mail(_) => shown.email,
            };
            let kinds: Vec<&str> = subscription.kinds.iter().map(|kind| kind.as_str()).collect();
            [
                subscription.id.to_string(),
                to.unwrap_or_else(nothing),
                kinds.join(" "),
                shown.stored.last_error.unwrap_or_else(nothing),
            ]
        })
        .collect();
    output::table(["ID", "TO", "OF", "PROBLEM"], &rows)
}
