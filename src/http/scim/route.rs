//! Every route of the SCIM surface (RFC 7644 §3.2), as a constant table: what is not in it is not served, and tests
//! walk it.

use std::borrow::Cow;

use super::super::path::segments;

/// What every path begins with.
const PREFIX: [&str; 2] = ["scim", "v2"];

/// Which kind of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `/Users`.
    User,
    /// `/Groups`.
    Group,
}

/// Which kind of what is offered to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offered {
    /// `/Roles`.
    Role,
    /// `/Entitlements`.
    Entitlement,
}

/// What is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// RFC 7644 §3.3.
    Create(Kind),
    /// RFC 7644 §3.4.2.
    List(Kind),
    /// RFC 7644 §3.4.3: a list, asked for in a body.
    Search(Kind),
    /// RFC 7644 §3.4.2.1: a list over all kinds.
    ListEverything,
    /// RFC 7644 §3.4.3 at the root.
    SearchEverything,
    /// RFC 7644 §3.4.1.
    Read(Kind),
    /// RFC 7644 §3.5.1.
    Replace(Kind),
    /// RFC 7644 §3.5.2.
    Patch(Kind),
    /// RFC 7644 §3.6.
    Delete(Kind),
    /// What a connection that assigns roles may look up.
    ListOffered(Offered),
    /// One of that.
    ReadOffered(Offered),
    /// RFC 7644 §3.7.
    Bulk,
    /// RFC 7644 §4.
    Configuration,
    /// RFC 7644 §4, all of them.
    ResourceTypes,
    /// RFC 7644 §4, one by name.
    ResourceType,
    /// RFC 7644 §4, all of them.
    Schemas,
    /// RFC 7644 §4, one by URN.
    Schema,
    /// All of this as an OpenAPI document.
    Description,
}

impl Operation {
    /// Whether it changes anything.
    pub const fn writes(self) -> bool {
        match self {
            Self::Create(_) | Self::Replace(_) | Self::Patch(_) | Self::Delete(_) | Self::Bulk => true,
            Self::List(_)
            | Self::Search(_)
            | Self::ListEverything
            | Self::SearchEverything
            | Self::Read(_)
            | Self::ListOffered(_)
            | Self::ReadOffered(_)
            | Self::Configuration
            | Self::ResourceTypes
            | Self::ResourceType
            | Self::Schemas
            | Self::Schema
            | Self::Description => false,
        }
    }

    /// Whether it takes a body.
    pub const fn takes_body(self) -> bool {
        matches!(
            self,
            Self::Create(_) | Self::Replace(_) | Self::Patch(_) | Self::Bulk | Self::Search(_) | Self::SearchEverything
        )
    }
}

/// One segment of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment {
    /// Exactly this, in this letter case.
    Name(&'static str),
    /// Any identifier.
    Id,
}

/// What a path answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Methods {
    /// These methods; `HEAD` is served wherever `GET` is.
    Served(&'static [(&'static str, Operation)]),
    /// None: the protocol has the route, this server does not.
    NotImplemented,
}

/// One path and what it answers.
#[derive(Debug)]
pub struct Route {
    /// Its name in logs and metrics.
    pub name: &'static str,
    /// What comes after `/scim/v2`.
    pub path: &'static [Segment],
    /// What it answers.
    pub methods: Methods,
}

const fn served(name: &'static str, path: &'static [Segment], methods: &'static [(&'static str, Operation)]) -> Route {
    Route { name, path, methods: Methods::Served(methods) }
}

const fn not_implemented(name: &'static str, path: &'static [Segment]) -> Route {
    Route { name, path, methods: Methods::NotImplemented }
}

use Operation::{
    Bulk, Configuration, Create, Delete, Description, List, ListEverything, ListOffered, Patch, Read, ReadOffered,
    Replace, ResourceType, ResourceTypes, Schema, Schemas, Search, SearchEverything,
};
use Segment::{Id, Name};

/// The routes. The first whose path matches answers, so names stand before identifiers.
pub const ROUTES: &[Route] = &[
    served("/", &[], &[("GET", ListEverything)]),
    served("/.search", &[Name(".search")], &[("POST", SearchEverything)]),
    served("/Users/.search", &[Name("Users"), Name(".search")], &[("POST", Search(Kind::User))]),
    served("/Groups/.search", &[Name("Groups"), Name(".search")], &[("POST", Search(Kind::Group))]),
    served("/Bulk", &[Name("Bulk")], &[("POST", Bulk)]),
    not_implemented("/Me", &[Name("Me")]),
    served("/Users", &[Name("Users")], &[("GET", List(Kind::User)), ("POST", Create(Kind::User))]),
    served(
        "/Users/{id}",
        &[Name("Users"), Id],
        &[
            ("GET", Read(Kind::User)),
            ("PUT", Replace(Kind::User)),
            ("PATCH", Patch(Kind::User)),
            ("DELETE", Delete(Kind::User)),
        ],
    ),
    served("/Groups", &[Name("Groups")], &[("GET", List(Kind::Group)), ("POST", Create(Kind::Group))]),
    served(
        "/Groups/{id}",
        &[Name("Groups"), Id],
        &[
            ("GET", Read(Kind::Group)),
            ("PUT", Replace(Kind::Group)),
            ("PATCH", Patch(Kind::Group)),
            ("DELETE", Delete(Kind::Group)),
        ],
    ),
    served("/ServiceProviderConfig", &[Name("ServiceProviderConfig")], &[("GET", Configuration)]),
    served("/ResourceTypes", &[Name("ResourceTypes")], &[("GET", ResourceTypes)]),
    served("/ResourceTypes/{id}", &[Name("ResourceTypes"), Id], &[("GET", ResourceType)]),
    served("/Schemas", &[Name("Schemas")], &[("GET", Schemas)]),
    served("/Schemas/{id}", &[Name("Schemas"), Id], &[("GET", Schema)]),
    served("/openapi.json", &[Name("openapi.json")], &[("GET", Description)]),
];

/// What connections that assign roles have besides (draft-ietf-scim-roles-entitlements-01).
pub const ROUTES_OF_ROLES: &[Route] = &[
    served("/Roles", &[Name("Roles")], &[("GET", ListOffered(Offered::Role))]),
    served("/Roles/{id}", &[Name("Roles"), Id], &[("GET", ReadOffered(Offered::Role))]),
    served("/Entitlements", &[Name("Entitlements")], &[("GET", ListOffered(Offered::Entitlement))]),
    served("/Entitlements/{id}", &[Name("Entitlements"), Id], &[("GET", ReadOffered(Offered::Entitlement))]),
];

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Asked {
    /// This, with the identifier from the path (empty where the path has none).
    Operation(Operation, String),
    /// Which methods there are: the value of `Allow`.
    Options(String),
    /// A method this path does not have; with the value of `Allow`.
    WrongMethod(String),
    /// What this server does not do.
    NotImplemented,
}

/// Finds the route of a path as sent, and what the method asks of it. `None` if there is no such route.
pub fn find(method: &str, path: &str) -> Option<(&'static str, Asked)> {
    find_among(ROUTES, method, path)
}

/// The same among these routes.
pub fn find_among(routes: &'static [Route], method: &str, path: &str) -> Option<(&'static str, Asked)> {
    let segments = segments(path)?;
    let rest = segments.strip_prefix(PREFIX.map(Cow::Borrowed).as_slice())?;
    let route = routes.iter().find(|route| matches(route.path, rest))?;
    let Methods::Served(methods) = route.methods else { return Some((route.name, Asked::NotImplemented)) };
    let sought = if method == "HEAD" { "GET" } else { method };
    let asked = match methods.iter().find(|(served, _)| *served == sought) {
        Some((_, operation)) => Asked::Operation(*operation, identifier(route.path, rest)),
        None if method == "OPTIONS" => Asked::Options(allow(methods)),
        None => Asked::WrongMethod(allow(methods)),
    };
    Some((route.name, asked))
}

fn matches(pattern: &[Segment], path: &[Cow<'_, str>]) -> bool {
    pattern.len() == path.len()
        && pattern.iter().zip(path).all(|(expected, segment)| match expected {
            Name(name) => segment == name,
            Id => true,
        })
}

fn identifier(pattern: &[Segment], path: &[Cow<'_, str>]) -> String {
    let found = pattern.iter().zip(path).find(|(expected, _)| **expected == Id);
    found.map(|(_, segment)| segment.clone().into_owned()).unwrap_or_default()
}

/// The value of `Allow` (RFC 9110 §10.2.1).
fn allow(methods: &[(&str, Operation)]) -> String {
    let mut names = Vec::new();
    for (method, _) in methods {
        names.push(*method);
        if *method == "GET" {
            names.push("HEAD");
        }
    }
    names.push("OPTIONS");
    names.join(", ")
}

/// Whether the path has segments that are passed over, as a base URL with a slash at its end makes them.
pub fn has_empty_segments(path: &str) -> bool {
    path.strip_prefix('/').unwrap_or(path).split('/').any(str::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: &str, path: &str) -> Option<Asked> {
        find(method, path).map(|(_, asked)| asked)
    }

    fn operation(operation: Operation, id: &str) -> Asked {
        Asked::Operation(operation, id.to_owned())
    }

    fn path_of(route: &Route) -> String {
        let segments = route.path.iter().map(|segment| match segment {
            Name(name) => *name,
            Id => "42",
        });
        segments.fold("/scim/v2".to_owned(), |path, segment| format!("{path}/{segment}"))
    }

    #[test]
    fn every_route_is_reached_by_its_path_and_each_of_its_methods() {
        for route in ROUTES {
            let path = path_of(route);
            match route.methods {
                Methods::Served(methods) => {
                    for (method, operation) in methods {
                        let id = if route.path.contains(&Id) { "42" } else { "" };
                        let expected = Asked::Operation(*operation, id.to_owned());
                        assert_eq!(find(method, &path), Some((route.name, expected)), "{method} {path}");
                    }
                }
                Methods::NotImplemented => {
                    for method in ["GET", "POST", "OPTIONS"] {
                        assert_eq!(find(method, &path), Some((route.name, Asked::NotImplemented)), "{path}");
                    }
                }
            }
            assert_eq!(format!("/scim/v2{}", route.name.replace("{id}", "42")).trim_end_matches('/'), path);
        }
    }

    #[test]
    fn paths_are_tolerated_with_empty_segments_and_encoded_letters() {
        for path in ["/scim/v2", "/scim/v2/"] {
            assert_eq!(asked("GET", path), Some(operation(ListEverything, "")), "{path}");
        }
        for path in ["/scim/v2/Users", "/scim/v2/Users/", "//scim/v2//Users//", "/scim/v2/%55sers"] {
            assert_eq!(asked("GET", path), Some(operation(List(Kind::User), "")), "{path}");
        }
        assert_eq!(asked("HEAD", "/scim/v2/Users/1"), Some(operation(Read(Kind::User), "1")));
        assert_eq!(asked("GET", "/scim/v2/Users/a%2Fb"), Some(operation(Read(Kind::User), "a/b")));
        assert_eq!(asked("GET", "/scim/v2/Users/%2541"), Some(operation(Read(Kind::User), "%41")));
        let urn = "urn:ietf:params:scim:schemas:core:2.0:User";
        assert_eq!(asked("GET", &format!("/scim/v2/Schemas/{urn}")), Some(operation(Schema, urn)));
    }

    #[test]
    fn what_is_not_in_the_table_is_not_found() {
        for path in [
            "/scim",
            "/scim/v1/Users",
            "/SCIM/v2/Users",
            "/scim/v2/users",
            "/scim/v2/Users/1/2",
            "/scim/v2/./Users",
            "/scim/v2/Users;x/1",
            "/scim/v2/%2555sers",
            "/scim/v2%2FUsers",
            "/scim/v2/Users/%ff",
            "/scim/v2/Me/x",
            "/scim/v2/Devices",
        ] {
            assert_eq!(find("GET", path), None, "{path}");
        }
    }

    // Requirement 24
    #[test]
    fn discovery_cannot_be_written() {
        for path in ["ServiceProviderConfig", "ResourceTypes", "ResourceTypes/User", "Schemas", "Schemas/x"] {
            for method in ["POST", "PUT", "PATCH", "DELETE", "TRACE", "get"] {
                let expected = Some(Asked::WrongMethod("GET, HEAD, OPTIONS".to_owned()));
                assert_eq!(asked(method, &format!("/scim/v2/{path}")), expected, "{method} {path}");
            }
        }
    }

    #[test]
    fn a_known_route_names_its_methods() {
        let (list, one) = ("GET, HEAD, POST, OPTIONS".to_owned(), "GET, HEAD, PUT, PATCH, DELETE, OPTIONS".to_owned());
        assert_eq!(asked("DELETE", "/scim/v2/Users"), Some(Asked::WrongMethod(list.clone())));
        assert_eq!(asked("OPTIONS", "/scim/v2/Groups"), Some(Asked::Options(list)));
        assert_eq!(asked("POST", "/scim/v2/Groups/1"), Some(Asked::WrongMethod(one.clone())));
        assert_eq!(asked("OPTIONS", "/scim/v2/Users/1"), Some(Asked::Options(one)));
    }
}
