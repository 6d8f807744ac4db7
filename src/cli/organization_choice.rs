//! Which organization a command is about.

use clap::Args;

use crate::db::organizations::Organization;
use crate::model::Slug;
use crate::service::administration::Administration;

use super::error::CommandError;

/// May be left out where there is one organization.
#[derive(Debug, Args)]
pub(super) struct OrganizationChoice {
    /// Organization; may be left out where there is one
    #[arg(long = "org", value_name = "SLUG")]
    slug: Option<Slug>,
}

impl From<Slug> for OrganizationChoice {
    fn from(slug: Slug) -> Self {
        Self { slug: Some(slug) }
    }
}

impl OrganizationChoice {
    /// The organization that was named, or the only one.
    pub(super) fn find(&self, administration: &Administration) -> Result<Organization, CommandError> {
        let mut all = administration.organizations()?;
        if let Some(slug) = &self.slug {
            let named = all.into_iter().find(|organization| organization.slug == slug.as_str());
            return named.ok_or_else(|| {
                CommandError::Failed(format!("there is no organization `{slug}`; `muster org list` shows them"))
            });
        }
        match (all.pop(), all.is_empty()) {
            (Some(only), true) => Ok(only),
            (Some(_), false) => {
                Err(CommandError::Usage("there are several organizations; name one with `--org`".to_owned()))
            }
            (None, _) => Err(CommandError::Failed(
                "there is no organization yet; make one with `muster org create` or start `muster serve`".to_owned(),
            )),
        }
    }
}
