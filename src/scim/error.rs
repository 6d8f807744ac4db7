//! Errors in the protocol's own form (RFC 7644 §3.12).

use crate::model::ResourceId;

/// The `scimType` of an error (RFC 7644 §3.12, table 9; RFC 9865 §2.1, table 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScimType {
    /// The filter cannot be read, or not with these attributes and operators.
    InvalidFilter,
    /// The filter would look at more resources than the server allows.
    TooMany,
    /// A value is already taken.
    Uniqueness,
    /// A readOnly or immutable attribute would change.
    Mutability,
    /// The body is not what the request needs.
    InvalidSyntax,
    /// The path of a PATCH operation cannot be read or names nothing.
    InvalidPath,
    /// The path of a PATCH operation selected nothing.
    NoTarget,
    /// A value is missing or of the wrong kind.
    InvalidValue,
    /// A cursor that this server did not give out for this query (RFC 9865 §2.1).
    InvalidCursor,
    /// A cursor whose time is over (RFC 9865 §2.1).
    ExpiredCursor,
    /// A page size that cannot be had, or other than that of the first page (RFC 9865 §2.1).
    InvalidCount,
}

impl ScimType {
    /// As written on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
            Self::InvalidCursor => "invalidCursor",
            Self::ExpiredCursor => "expiredCursor",
            Self::InvalidCount => "invalidCount",
        }
    }
}

/// What a SCIM request can be refused for. The text is the `detail`, written for administrators: it names the
/// attribute and what was expected, and never another organization's or person's data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScimError {
    /// 400 with a `scimType`.
    #[error("{1}")]
    BadRequest(ScimType, String),
    /// 403: the caller may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// 404: no such resource for this caller, whoever else may have one.
    #[error("{0}")]
    NotFound(String),
    /// 404: nothing of this caller's bears the id, whoever else may have what does.
    #[error("{1}")]
    UnknownId(ResourceId, String),
    /// 400 `invalidValue`: members that were never issued to anything of this caller's, whoever else may have them.
    #[error("{1}")]
    UnknownMembers(Vec<ResourceId>, String),
    /// 405: the route exists, the method does not.
    #[error("{0}")]
    MethodNotAllowed(String),
    /// 409 `uniqueness`.
    #[error("{0}")]
    Conflict(String),
    /// 409: an operation of a bulk request refers to what is not there (RFC 7644 §3.7.1).
    #[error("{0}")]
    Unresolved(String),
    /// 412: `If-Match` names another version.
    #[error("{0}")]
    PreconditionFailed(String),
    /// 413: the body is larger than allowed.
    #[error("{0}")]
    TooLarge(String),
    /// 415: the body is not JSON.
    #[error("{0}")]
    UnsupportedMediaType(String),
    /// 501: the protocol has it, this server does not.
    #[error("{0}")]
    NotImplemented(String),
}

impl ScimError {
    /// 400 `invalidFilter`.
    pub fn invalid_filter(detail: impl Into<String>) -> Self {
        Self::BadRequest(ScimType::InvalidFilter, detail.into())
    }

    /// 400 `invalidSyntax`.
    pub fn invalid_syntax(detail: impl Into<String>) -> Self {
        Self::BadRequest(ScimType::InvalidSyntax, detail.into())
    }

    /// 400 `invalidPath`.
    pub fn invalid_path(detail: impl Into<String>) -> Self {
        Self::BadRequest(ScimType::InvalidPath, detail.into())
    }

    /// 400 `invalidValue`.
    pub fn invalid_value(detail: impl Into<String>) -> Self {
        Self::BadRequest(ScimType::InvalidValue, detail.into())
    }

    /// 400 `invalidCursor`. One text whatever is wrong with it: whose it is must not show.
    pub fn invalid_cursor() -> Self {
        let detail = "`cursor` is none that this server gave out for this query; send the `nextCursor` of the page before \
                      with the same parameters, or an empty one for the first page";
        Self::BadRequest(ScimType::InvalidCursor, detail.to_owned())
    }

    /// 400 `invalidCount`.
    pub fn invalid_count(detail: impl Into<String>) -> Self {
        Self::BadRequest(ScimType::InvalidCount, detail.into())
    }

    /// 400 `mutability`.
    pub fn mutability(detail: impl Into<String>) -> Self {
        Self::BadRequest(ScimType::Mutability, detail.into())
    }

    /// 400 `noTarget`.
    pub fn no_target(detail: impl Into<String>) -> Self {
        Self::BadRequest(ScimType::NoTarget, detail.into())
    }

    /// 400 `tooMany`.
    pub fn too_many(detail: impl Into<String>) -> Self {
        Self::BadRequest(ScimType::TooMany, detail.into())
    }

    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        match self {
            Self::BadRequest(..) | Self::UnknownMembers(..) => 400,
            Self::Forbidden(_) => 403,
            Self::NotFound(_) | Self::UnknownId(..) => 404,
            Self::MethodNotAllowed(_) => 405,
            Self::Conflict(_) | Self::Unresolved(_) => 409,
            Self::PreconditionFailed(_) => 412,
            Self::TooLarge(_) => 413,
            Self::UnsupportedMediaType(_) => 415,
            Self::NotImplemented(_) => 501,
        }
    }

    /// The `scimType`, where the table has one.
    pub const fn scim_type(&self) -> Option<ScimType> {
        match self {
            Self::BadRequest(kind, _) => Some(*kind),
            Self::UnknownMembers(..) => Some(ScimType::InvalidValue),
            Self::Conflict(_) => Some(ScimType::Uniqueness),
            _ => None,
        }
    }

    /// The ids it was refused for because nothing of the caller's bears them.
    pub fn unknown_ids(&self) -> &[ResourceId] {
        match self {
            Self::UnknownId(id, _) => std::slice::from_ref(id),
            Self::UnknownMembers(ids, _) => ids,
            _ => &[],
        }
    }

    /// The error object; `status` is a string (RFC 7644 §3.12).
    pub fn to_json(&self) -> String {
        error_body(self.status(), self.scim_type(), &self.to_string())
    }
}

/// An error object for a status that no [`ScimError`] stands for (401, 429, 500, 503).
pub fn error_body(status: u16, scim_type: Option<ScimType>, detail: &str) -> String {
    let mut body = serde_json::json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": status.to_string(),
        "detail": detail,
    });
    if let (Some(kind), Some(object)) = (scim_type, body.as_object_mut()) {
        object.insert("scimType".to_owned(), kind.as_str().into());
    }
    body.to_string()
}
