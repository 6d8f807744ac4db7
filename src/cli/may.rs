//! `muster may`: 0 allow, 1 deny, 2 cannot say.

use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use ureq::http::Method;
use url::Url;

use crate::clock::Clock;
use crate::config::{Flags, Settings};
use crate::model::{Destinations, Permission, ScopePath};
use crate::outbound::client::{Client, Outgoing};
use crate::service::access::MayQuestion;

use super::error::CommandError;
use super::organization_choice::OrganizationChoice;
use super::point_in_time::PointInTime;
use super::{output, session};

/// The most that is read of a server's answer, in bytes.
const MOST_BYTES: u64 = 1024 * 1024;

/// Ask whether somebody may do something somewhere: exit 0 allow, 1 deny, 2 cannot say
#[derive(Debug, Args)]
pub(super) struct May {
    #[command(flatten)]
    organization: OrganizationChoice,
    /// Who, by id or userName
    user: String,
    /// What: a permission such as `deploy:run`
    action: Permission,
    /// Where: `/`, `/project` or `/project/environment`
    scope: ScopePath,
    /// The first argument is a service, by id or name
    #[arg(long)]
    service: bool,
    /// Say why, or what would have to change
    #[arg(long)]
    why: bool,
    /// Ask of another time; of the past by what held then
    #[arg(long, value_name = "TIME", conflicts_with = "server")]
    at: Option<PointInTime>,
    /// Ask this server instead of the database, with the token in `MUSTER_TOKEN`, whose organization it is
    #[arg(long, value_name = "URL")]
    server: Option<Url>,
}

pub(super) fn run(may: &May, flags: &Flags) -> Result<(), CommandError> {
    // A gate that cannot be asked is closed, and says that it was not asked: never the exit code of a denial.
    let asked = match &may.server {
        Some(server) => ask_server(may, server),
        None => Settings::load(flags).map_err(CommandError::from).and_then(|settings| ask_database(may, &settings)),
    };
    let (allowed, reasons) = asked.map_err(|error| CommandError::Usage(error.to_string()))?;
    let told = if may.why {
        reasons.iter().try_for_each(|reason| output::line(reason))
    } else {
        output::line(if allowed { "allow" } else { "deny" })
    };
    told.map_err(|error| CommandError::Usage(error.to_string()))?;
    if allowed { Ok(()) } else { Err(CommandError::Denied) }
}

fn ask_database(may: &May, settings: &Settings) -> Result<(bool, Vec<String>), CommandError> {
    let mut answer = None;
    session::administer(settings, |administration| {
        let organization = may.organization.find(administration)?;
        let question = MayQuestion {
            subject: may.user.clone(),
            is_service: may.service,
            permission: may.action.clone(),
            scope: may.scope.clone(),
            at: may.at.map(|at| at.after(Clock::system().now())),
        };
        let found = administration.may(organization.id, &question, may.why);
        answer = Some(found.map_err(|error| CommandError::Failed(error.to_string()))?);
        Ok(())
    })?;
    let answer = answer.ok_or_else(|| CommandError::Failed("there is no answer".to_owned()))?;
    Ok((answer.allowed, answer.reasons))
}

/// AuthZEN 1.0, Access Evaluation.
fn ask_server(may: &May, server: &Url) -> Result<(bool, Vec<String>), CommandError> {
    let failed = |what: String| CommandError::Failed(what);
    let token = std::env::var("MUSTER_TOKEN")
        .map(SecretString::from)
        .map_err(|_missing| failed("`MUSTER_TOKEN` is not set; put a token of kind `pep` into it".to_owned()))?;
    let base = server.as_str().trim_end_matches('/');
    let url = Url::parse(&format!("{base}/access/v1/evaluation"))
        .map_err(|error| failed(format!("`{server}` is not the URL of a server: {error}")))?;
    let body = json!({
        "subject": { "type": if may.service { "service" } else { "user" }, "id": may.user },
        "action": { "name": may.action.as_str() },
        "resource": { "type": may.scope.kind().as_str(), "id": may.scope.as_str() },
    });
    let authorization = format!("Bearer {}", token.expose_secret());
    let reply = Client::new(Destinations::anywhere()).send(&Outgoing {
        method: Method::POST,
        url: &url,
        headers: &[("Authorization", &authorization), ("Content-Type", "application/json")],
        body: &body.to_string(),
        at_most: MOST_BYTES,
    });
    let reply = reply.map_err(|error| failed(format!("`{server}` cannot be asked: {error}")))?;
    if reply.status != 200 {
        let said: String = reply.body.chars().take(300).collect();
        return Err(failed(format!("`{server}` answered {} instead of a decision: {said}", reply.status)));
    }
    let answer: Value = serde_json::from_str(&reply.body)
        .map_err(|error| failed(format!("`{server}` answered what is no decision: {error}")))?;
    let allowed = answer
        .get("decision")
        .and_then(Value::as_bool)
        .ok_or_else(|| failed(format!("`{server}` answered without a decision; is it an AuthZEN server?")))?;
    Ok((allowed, reasons(&answer, allowed)))
}

/// What the server says of it: its lines, or its one line, or no more than the decision.
fn reasons(answer: &Value, allowed: bool) -> Vec<String> {
    let context = answer.get("context");
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let lines = context.and_then(|context| context.get("reasons")).and_then(Value::as_array);
    let mut lines: Vec<String> = lines.into_iter().flatten().filter_map(text).collect();
    if lines.is_empty() {
        lines.extend(context.and_then(|context| context.get("reason")).and_then(text));
    }
    if lines.is_empty() {
        lines.push(if allowed { "allow" } else { "deny" }.to_owned());
    }
    lines
}
