//! `muster receiver`.

use std::path::PathBuf;

use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use zeroize::Zeroizing;

use crate::config::Settings;
use crate::live::Algorithm;
use crate::model::Name;
use crate::service::administration::{Administration, NewReceiver, ReceiverChange, StoredReceiver};
use crate::signals::{DefaultSubjects, EventType, Method, Status, SubjectFormat};

use super::error::CommandError;
use super::organization_choice::OrganizationChoice;
use super::{output, session};

#[derive(Debug, Subcommand)]
pub(super) enum ReceiverCommand {
    /// Create a receiver; prints its id, and its secret this once where it gets one
    Create(Box<Create>),
    /// List the receivers of an organization and how they fare
    List {
        #[command(flatten)]
        organization: OrganizationChoice,
    },
    /// Keep what happens for a receiver until it is resumed
    Pause(Named),
    /// Let a paused receiver go on; it is told what was kept
    Resume(Named),
    /// Tell a receiver nothing any more
    Remove(Named),
    /// Send a receiver an event that says that its stream works
    Test(Named),
}

#[derive(Debug, clap::Args)]
pub(super) struct Named {
    #[command(flatten)]
    organization: OrganizationChoice,
    /// Its name
    name: Name,
}

#[derive(Debug, clap::Args)]
pub(super) struct Create {
    #[command(flatten)]
    organization: OrganizationChoice,
    /// Its name
    name: Name,
    /// How it is told: it is sent security event tokens, fetches them, or is sent signed JSON
    #[arg(long, default_value = "push", value_parser = method())]
    method: Method,
    /// Where it is sent to
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// File with the value of `Authorization` that pushes bear
    #[arg(long, value_name = "FILE")]
    authorization_file: Option<PathBuf>,
    /// What it is told, again for each: `session-revoked`, `account-disabled` [default: that people are gone or back]
    #[arg(long = "event", value_name = "EVENT", value_parser = event())]
    events: Vec<EventType>,
    /// How it knows people
    #[arg(long, default_value = "email", value_parser = subject())]
    subject: SubjectFormat,
    /// Whose subjects it knows people by, where that is `iss_sub`: the issuer of the identity provider
    #[arg(long, value_name = "URL")]
    subject_issuer: Option<String>,
    /// Whom it is told about where it has not chosen over Shared Signals
    #[arg(long, default_value = "all", value_parser = subjects())]
    subjects: DefaultSubjects,
    /// The audience of its tokens [default: its URL]
    #[arg(long, value_name = "TEXT")]
    audience: Option<String>,
    /// How its tokens are signed
    #[arg(long, default_value = "RS256", value_parser = algorithm())]
    algorithm: Algorithm,
}

fn algorithm() -> impl TypedValueParser<Value = Algorithm> {
    PossibleValuesParser::new(Algorithm::ALL.map(Algorithm::as_str))
        .try_map(|name| Algorithm::from_name(&name).ok_or("not an algorithm"))
}

fn method() -> impl TypedValueParser<Value = Method> {
    PossibleValuesParser::new(["push", "poll", "webhook"])
        .try_map(|name| Method::from_name(&name).ok_or("not a method"))
}

fn subject() -> impl TypedValueParser<Value = SubjectFormat> {
    PossibleValuesParser::new(["email", "iss_sub", "opaque"])
        .try_map(|name| SubjectFormat::from_name(&name).ok_or("not a format"))
}

fn subjects() -> impl TypedValueParser<Value = DefaultSubjects> {
    PossibleValuesParser::new(["all", "none"]).try_map(|name| DefaultSubjects::from_name(&name).ok_or("neither"))
}

fn event() -> impl TypedValueParser<Value = EventType> {
    PossibleValuesParser::new(EventType::REQUESTABLE.map(EventType::name))
        .try_map(|name| EventType::requested(&name).ok_or("not an event"))
}

pub(super) fn run(command: &ReceiverCommand, settings: &Settings) -> Result<(), CommandError> {
    session::administer(settings, |administration| match command {
        ReceiverCommand::Create(create) => self::create(administration, create),
        ReceiverCommand::List { organization } => list(administration, organization),
        ReceiverCommand::Pause(named) => status(administration, named, Status::Paused),
        ReceiverCommand::Resume(named) => status(administration, named, Status::Enabled),
        ReceiverCommand::Remove(named) => {
            let receiver = find(administration, named)?.receiver;
            Ok(administration.remove_receiver(receiver.organization, receiver.id)?)
        }
        ReceiverCommand::Test(named) => {
            let receiver = find(administration, named)?.receiver;
            Ok(administration.test_receiver(receiver.organization, receiver.id, None)?)
        }
    })
}

fn find(administration: &Administration, named: &Named) -> Result<StoredReceiver, CommandError> {
    let organization = named.organization.find(administration)?;
    let all = administration.receivers(organization.id)?;
    all.into_iter().find(|stored| stored.receiver.name == named.name.as_str()).ok_or_else(|| {
        CommandError::Failed(format!("there is no receiver `{}`; `muster receiver list` shows them", named.name))
    })
}

fn status(administration: &Administration, named: &Named, status: Status) -> Result<(), CommandError> {
    let receiver = find(administration, named)?.receiver;
    let change = ReceiverChange { status: Some((status, None)), ..ReceiverChange::default() };
    administration.change_receiver(receiver.organization, receiver.id, &change)?;
    Ok(())
}

fn create(administration: &Administration, create: &Create) -> Result<(), CommandError> {
    let organization = create.organization.find(administration)?;
    let authorization = match &create.authorization_file {
        None => None,
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| {
                CommandError::Usage(format!("the file `{}` cannot be read: {error}", path.display()))
            })?;
            Some(Zeroizing::new(text.trim().to_owned()))
        }
    };
    let wanted = NewReceiver {
        name: create.name.clone(),
        method: create.method,
        endpoint: create.url.clone(),
        authorization,
        events: create.events.clone(),
        subject_format: create.subject,
        subject_issuer: create.subject_issuer.clone(),
        subjects: create.subjects,
        audience: create.audience.clone(),
        algorithm: create.algorithm,
        credential: None,
    };
    let (receiver, secret) = administration.create_receiver(organization.id, &wanted)?;
    output::line(&receiver.id.to_string())?;
    secret.map_or(Ok(()), |secret| output::line(&secret))
}

fn list(administration: &Administration, organization: &OrganizationChoice) -> Result<(), CommandError> {
    let organization = organization.find(administration)?;
    let nothing = || output::NOTHING.to_owned();
    let rows: Vec<[String; 7]> = administration
        .receivers(organization.id)?
        .into_iter()
        .map(|stored| {
            let receiver = stored.receiver;
            [
                receiver.name,
                receiver.id.to_string(),
                receiver.method.as_str().to_owned(),
                receiver.endpoint.unwrap_or_else(nothing),
                receiver.status.as_str().to_owned(),
                stored.acknowledged_at.map_or_else(nothing, output::seconds),
                stored.last_error.or(receiver.reason).unwrap_or_else(nothing),
            ]
        })
        .collect();
    output::table(["NAME", "ID", "METHOD", "URL", "STATUS", "ACKNOWLEDGED", "PROBLEM"], &rows)
}
