//! Assignments: a role at a scope for a principal, for a time.

use std::fmt;

use super::{AssignmentId, ConnectionId, GroupId, Moment, Reason, ResourceId, RoleName, ScopePath, ServiceId, UserId};

/// Who a role is assigned to. By id, never by a name: another group of the same name is another group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Principal {
    /// A group, for its members and the members of the groups in it.
    Group(GroupId),
    /// One user.
    User(UserId),
    /// One service.
    Service(ServiceId),
}

impl Principal {
    /// What it is, as the surface and the database name it.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Group(_) => "group",
            Self::User(_) => "user",
            Self::Service(_) => "service",
        }
    }

    /// Its id.
    pub fn id(self) -> ResourceId {
        match self {
            Self::Group(id) => id.into(),
            Self::User(id) => id.into(),
            Self::Service(id) => id.into(),
        }
    }

    /// Puts the two together again; `None` for another kind.
    pub fn from_parts(kind: &str, id: ResourceId) -> Option<Self> {
        match kind {
            "group" => Some(Self::Group(id.into())),
            "user" => Some(Self::User(id.into())),
            "service" => Some(Self::Service(id.into())),
            _ => None,
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), self.id())
    }
}

/// Where an assignment came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AssignmentSource {
    /// An administrator, one by one.
    Administrator,
    /// A declarative document that was applied.
    Document,
    /// A connection that pushed `roles`.
    Connection(ConnectionId),
    /// The server itself, at set-up.
    Server,
}

impl AssignmentSource {
    /// The name in the database and on the surface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Document => "document",
            Self::Connection(_) => "connection",
            Self::Server => "server",
        }
    }

    /// The connection, if it was one; [`ConnectionId::NOBODY`] else, as the database holds it.
    pub const fn connection(self) -> ConnectionId {
        match self {
            Self::Connection(connection) => connection,
            Self::Administrator | Self::Document | Self::Server => ConnectionId::NOBODY,
        }
    }

    /// Puts the two together again; `None` for another name.
    pub fn from_parts(name: &str, connection: ConnectionId) -> Option<Self> {
        match name {
            "administrator" => Some(Self::Administrator),
            "document" => Some(Self::Document),
            "connection" => Some(Self::Connection(connection)),
            "server" => Some(Self::Server),
            _ => None,
        }
    }
}

/// When something holds, by the clock: from a moment on, up to but without another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Validity {
    from: Moment,
    until: Option<Moment>,
}

/// An interval that never holds, or would hold before it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ValidityError {
    /// Ends before it begins, or as it begins.
    #[error("it ends at {until}, before it begins at {from}, expected a later end")]
    EndsBeforeItBegins {
        /// The beginning.
        from: Moment,
        /// The end.
        until: Moment,
    },
    /// Begins in the past.
    #[error("it begins at {from}, in the past, expected {now} or later")]
    BeginsInThePast {
        /// The beginning.
        from: Moment,
        /// The time it was said.
        now: Moment,
    },
}

impl Validity {
    /// As recorded: holds from `from` up to but without `until`.
    ///
    /// # Errors
    /// [`ValidityError::EndsBeforeItBegins`].
    pub const fn new(from: Moment, until: Option<Moment>) -> Result<Self, ValidityError> {
        match until {
            Some(until) if until.as_micros() <= from.as_micros() => {
                Err(ValidityError::EndsBeforeItBegins { from, until })
            }
            _ => Ok(Self { from, until }),
        }
    }

    /// From a moment on, without an end.
    pub const fn since(from: Moment) -> Self {
        Self { from, until: None }
    }

    /// As asked for at `now`; it begins at once unless `from` says otherwise.
    ///
    /// # Errors
    /// [`ValidityError`].
    pub fn asked(from: Option<Moment>, until: Option<Moment>, now: Moment) -> Result<Self, ValidityError> {
        let from = from.unwrap_or(now);
        if from < now {
            return Err(ValidityError::BeginsInThePast { from, now });
        }
        Self::new(from, until)
    }

    /// The beginning.
    pub const fn from(self) -> Moment {
        self.from
    }

    /// The end, if there is one.
    pub const fn until(self) -> Option<Moment> {
        self.until
    }

    /// Whether it holds at `now`.
    pub fn holds(self, now: Moment) -> bool {
        self.from <= now && self.until.is_none_or(|until| now < until)
    }
}

/// A role at a scope for a principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Its identifier.
    pub id: AssignmentId,
    /// What is assigned, at whichever version is current.
    pub role: RoleName,
    /// Where; it holds in everything that lies in it.
    pub scope: ScopePath,
    /// To whom.
    pub principal: Principal,
    /// When.
    pub validity: Validity,
    /// Where it came from.
    pub source: AssignmentSource,
    /// Who approved it, where somebody did.
    pub approver: Option<ResourceId>,
    /// Why.
    pub reason: Option<Reason>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_micros(1_000);

    #[test]
    fn validity_begins_now_or_later_and_ends_after_it_begins() {
        let later = |micros| Some(NOW.plus_micros(micros));
        assert_eq!(Validity::asked(None, None, NOW).unwrap().from(), NOW);
        assert!(Validity::asked(later(5), later(6), NOW).is_ok());
        assert!(matches!(Validity::asked(later(-1), None, NOW), Err(ValidityError::BeginsInThePast { .. })));
        for (from, until) in [(later(5), later(5)), (later(5), later(4)), (None, later(0))] {
            assert!(matches!(Validity::asked(from, until, NOW), Err(ValidityError::EndsBeforeItBegins { .. })));
        }
    }

    #[test]
    fn validity_holds_from_its_beginning_up_to_but_without_its_end() {
        let validity = Validity::new(NOW, Some(NOW.plus_micros(2))).unwrap();
        let holds = |micros| validity.holds(NOW.plus_micros(micros));
        assert_eq!([-1, 0, 1, 2, 3].map(holds), [false, true, true, false, false]);
        assert!(Validity::new(NOW, None).unwrap().holds(Moment::from_micros(i64::MAX)));
    }

    #[test]
    fn what_an_assignment_names_is_put_together_again_from_its_parts() {
        let id: ResourceId = "0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a".parse().unwrap();
        for principal in [Principal::Group(id.into()), Principal::User(id.into()), Principal::Service(id.into())] {
            assert_eq!(Principal::from_parts(principal.kind(), principal.id()), Some(principal));
        }
        let connection = ConnectionId::from_bytes(id.as_bytes()).unwrap();
        for source in [
            AssignmentSource::Administrator,
            AssignmentSource::Document,
            AssignmentSource::Connection(connection),
            AssignmentSource::Server,
        ] {
            assert_eq!(AssignmentSource::from_parts(source.as_str(), source.connection()), Some(source));
        }
        assert_eq!(Principal::from_parts("robot", id), None);
    }
}
