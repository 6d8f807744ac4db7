//! A conformance kit for SCIM 2.0 servers.
//!
//! It replays what identity providers send ([`conversation`]) and checks what RFC 7643, 7644 and 9865 demand and servers
//! get wrong ([`requirements`]), over HTTP and on raw JSON. What it creates has names nobody else has, and is deleted
//! again whatever happens.

#![expect(
    clippy::indexing_slicing,
    reason = "reading raw JSON by name or number yields null where there is nothing; nothing else is indexed"
)]

pub mod announcement;
pub mod client;
pub mod conversation;
pub mod exchange;
pub mod outcome;
pub mod report;
pub mod requirements;
pub mod selection;
pub mod session;

use client::{Client, Target};
use outcome::{Outcome, Stop};
use report::{CheckResult, ConversationResult, Report, RequirementResult};
use requirements::{HIDDEN, TITLES};
use selection::Selection;
use session::Session;

/// What a run is to do.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What it looks at.
    pub selection: Selection,
    /// Whether what takes a minute takes a minute.
    pub thorough: bool,
}

/// Looks at a server.
///
/// # Errors
/// A sentence, if it does not answer, refuses the token, or a conversation cannot be read.
pub fn run(target: Target, options: &Options) -> Result<Report, String> {
    let client = Client::new(target);
    let server = client.target().base_url().to_owned();
    let sentence = |stop: Stop| format!("`{server}`: {}", Outcome::from(Err(stop)).reason());
    let session = Session::begin(client).map_err(sentence)?;
    let admitted = session.get("/Users?count=1").map_err(sentence)?;
    if admitted.status == 401 {
        return Err(format!("`{server}` refuses the token (401); give one it knows with --token"));
    }
    let conversations = conversation::all()?;
    let chosen = conversations.iter().filter(|conversation| options.selection.has_conversation(conversation));
    let conversations = chosen.map(|conversation| ConversationResult {
        id: conversation.id.clone(),
        provider: conversation.provider.clone(),
        title: conversation.title.clone(),
        outcome: conversation.replay(&session, options.thorough),
    });
    let conversations = conversations.collect();
    let requirements = check(&session, &options.selection);
    let left_behind = session.clean_up();
    Ok(Report { server, conversations, requirements, left_behind })
}

fn check(session: &Session, selection: &Selection) -> Vec<RequirementResult> {
    let checks = requirements::checks();
    let chosen = TITLES.iter().filter(|(number, _)| selection.has_requirement(*number));
    let results = chosen.map(|(number, title)| {
        let mine = checks.iter().filter(|check| check.requirement == *number);
        let made = mine.map(|check| CheckResult { says: check.says.to_owned(), outcome: check.run(session) });
        let hidden = HIDDEN.iter().filter(|(hidden, _)| hidden == number).map(|(_, reason)| CheckResult {
            says: "not visible from outside".to_owned(),
            outcome: Outcome::Skipped((*reason).to_owned()),
        });
        RequirementResult { number: *number, title: (*title).to_owned(), checks: made.chain(hidden).collect() }
    });
    results.collect()
}
