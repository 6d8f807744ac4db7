//! `muster org`.

use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::config::Settings;
use crate::db::organizations::Organization;
use crate::model::{Name, Slug};
use crate::service::administration::Administration;

use super::error::CommandError;
use super::organization_choice::OrganizationChoice;
use super::{output, session};

#[derive(Debug, Subcommand)]
pub(super) enum Org {
    /// Create an organization; prints its id
    Create {
        /// Its name on the command line and in URLs
        slug: Slug,
        /// Its name for people [default: the slug]
        #[arg(long)]
        name: Option<Name>,
        /// For the certification of the Authorization API: callers are believed everything, roles too; not for people
        #[arg(long)]
        certification: bool,
        /// Its first administrator: a new local user with the role `admin` at `/`; without one there is the recovery
        /// administrator alone
        #[arg(long, value_name = "USERNAME")]
        admin: Option<Name>,
    },
    /// List the organizations
    List,
    /// Suspend an organization: when this returns, no server admits anybody of it, and nothing is decided
    Suspend {
        /// Which
        slug: Slug,
    },
    /// Let a suspended organization go on, with the tokens and sessions that have not ended meanwhile
    Resume {
        /// Which
        slug: Slug,
    },
    /// Say what subjects of questions may be named by, beside their id and userName; prints what holds
    Subjects {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// By e-mail address; an address of several is nobody's
        #[arg(long, value_name = "on|off", value_parser = on_or_off())]
        email: Option<bool>,
        /// By externalId; one of several is nobody's
        #[arg(long, value_name = "on|off", value_parser = on_or_off())]
        external_id: Option<bool>,
    },
}

fn on_or_off() -> impl TypedValueParser<Value = bool> {
    PossibleValuesParser::new(["on", "off"]).map(|word| word == "on")
}

pub(super) fn run(command: &Org, settings: &Settings) -> Result<(), CommandError> {
    session::work(settings, |session| match command {
        Org::Create { slug, name, certification, admin } => {
            let made = create(&session.administration, slug, name.as_ref(), *certification)?;
            if let Some(admin) = admin {
                session.services.add_administrator(&session.caller_in(made.id), admin)?;
            }
            output::line(&made.id.to_string())
        }
        Org::List => list(&session.administration),
        Org::Suspend { slug } => suspend(&session.administration, slug, true),
        Org::Resume { slug } => suspend(&session.administration, slug, false),
        Org::Subjects { organization, email, external_id } => {
            let administration = &session.administration;
            let organization = organization.find(administration)?;
            let state = administration.look_subjects_up(organization.id, *email, *external_id)?;
            let word = |on: bool| if on { "on" } else { "off" };
            output::line(&format!("email {}", word(state.subjects_by_email)))?;
            output::line(&format!("external-id {}", word(state.subjects_by_external_id)))
        }
    })
}

fn create(
    administration: &Administration,
    slug: &Slug,
    name: Option<&Name>,
    certification: bool,
) -> Result<Organization, CommandError> {
    let name = name.cloned().unwrap_or_else(|| Name::from(slug.clone()));
    Ok(if certification {
        administration.create_certification(slug, &name)?
    } else {
        administration.create_organization(slug, &name)?
    })
}

fn suspend(administration: &Administration, slug: &Slug, suspended: bool) -> Result<(), CommandError> {
    let organization = OrganizationChoice::from(slug.clone()).find(administration)?;
    Ok(administration.suspend_organization(organization.id, suspended)?)
}

fn list(administration: &Administration) -> Result<(), CommandError> {
    let rows: Vec<[String; 4]> = administration
        .organizations()?
        .into_iter()
        .map(|organization| {
            let suspended = organization.suspended_at.map_or_else(|| output::NOTHING.to_owned(), output::seconds);
            [organization.slug, organization.id.to_string(), organization.name, suspended]
        })
        .collect();
    output::table(["SLUG", "ID", "NAME", "SUSPENDED"], &rows)
}
