//! What every page has around its content.

use super::answer::Flash;
use super::assets;
use super::browser::Browser;
use super::sections::CHAPTERS;
use super::visit::Visit;
use super::when::When;

/// The surroundings of a page, for the layout.
#[derive(Debug)]
pub struct Frame {
    /// The page's title, also in the browser's tab.
    pub title: String,
    /// `light`, `dark` or `auto`.
    pub theme: &'static str,
    /// Where the stylesheet is.
    pub stylesheet: String,
    /// Where the script is.
    pub script: String,
    /// Where the icon is.
    pub icon: String,
    /// What forms are marked with.
    pub token: String,
    /// The page itself, to come back to.
    pub path: String,
    /// What is said once.
    pub flash: Option<Flash>,
    /// Who is signed in.
    pub person: Option<String>,
    /// The organization.
    pub organization: Option<Place>,
    /// Where somebody's own sessions are.
    pub sessions: String,
    /// Whether there are others to go to, or to be made.
    pub has_others: bool,
    /// Whether a page of no organization needs room.
    pub is_wide: bool,
    /// The navigation.
    pub chapters: Vec<OpenChapter>,
    /// Whether everything in the organization is made up.
    pub is_made_up: bool,
    /// Now.
    pub now: When,
}

/// An organization, as pages name it.
#[derive(Debug)]
pub struct Place {
    /// What it is called.
    pub name: String,
    /// The address all of its pages begin with: `/o/acme`.
    pub base: String,
}

/// Sections that are open to the visitor.
#[derive(Debug)]
pub struct OpenChapter {
    /// What they are called together.
    pub label: &'static str,
    /// The sections.
    pub sections: Vec<Entry>,
}

/// A section in the navigation.
#[derive(Debug)]
pub struct Entry {
    /// Its name.
    pub label: &'static str,
    /// Its address.
    pub href: String,
    /// Whether the page belongs to it.
    pub is_current: bool,
}

impl Frame {
    /// Around a page of a visit.
    pub fn of(visit: &Visit, title: String, section: &str) -> Self {
        let mut frame = Self::outside(&visit.browser, title);
        frame.token = visit.form_token();
        frame.path = visit.address_as_asked();
        frame.now = When(visit.services.clock.now());
        frame.sessions = visit.own_sessions();
        let Some(signed_in) = &visit.signed_in else { return frame };
        frame.person = Some(signed_in.name().to_owned());
        // Whoever has the way back into one makes others.
        frame.has_others =
            signed_in.belongings.len() > 1 || signed_in.belongings.iter().any(|belonging| belonging.user.is_none());
        let Some(member) = &visit.member else { return frame };
        let base = format!("/o/{}", member.organization.slug);
        for chapter in CHAPTERS {
            let open = chapter.sections.iter().filter(|section| section.is_open_to(&member.rights));
            // Whoever is no user has no profile.
            let open = open.filter(|section| section.key != "profile" || member.user.is_some());
            let sections: Vec<Entry> = open
                .map(|one| Entry {
                    label: one.label,
                    href: format!("{base}{}", one.path),
                    is_current: one.key == section,
                })
                .collect();
            if !sections.is_empty() {
                frame.chapters.push(OpenChapter { label: chapter.label, sections });
            }
        }
        // A band that cannot be read for leaves the page without it; the name says so too.
        let mark = visit.services.administration(&member.caller).demonstration(member.organization.id);
        frame.is_made_up = mark.is_ok_and(|mark| mark.is_some());
        frame.organization = Some(Place { name: member.organization.name.clone(), base });
        frame
    }

    /// Around a page that nothing is known of but the browser.
    pub fn outside(browser: &Browser, title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            theme: browser.theme,
            stylesheet: assets::STYLESHEET.address(),
            script: assets::SCRIPT.address(),
            icon: assets::ICON.address(),
            token: String::new(),
            path: "/".to_owned(),
            flash: browser.flash.clone(),
            person: None,
            organization: None,
            sessions: String::new(),
            has_others: false,
            is_wide: false,
            chapters: Vec::new(),
            is_made_up: false,
            now: When(crate::model::Moment::from_micros(0)),
        }
    }

    /// As a page of its own, in the middle, whoever is signed in.
    #[must_use]
    pub fn alone(mut self) -> Self {
        (self.organization, self.person) = (None, None);
        self
    }

    /// As a page of no organization that needs room.
    #[must_use]
    pub const fn wide(mut self) -> Self {
        self.is_wide = true;
        self
    }

    /// What the organization is called.
    pub fn name(&self) -> &str {
        self.organization.as_ref().map_or("", |place| place.name.as_str())
    }

    /// The address all pages of the organization begin with.
    pub fn base(&self) -> &str {
        self.organization.as_ref().map_or("", |place| place.base.as_str())
    }
}
