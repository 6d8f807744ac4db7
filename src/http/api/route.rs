//! The table of routes, made once from what each handler is annotated with: what is not annotated is not served, and
//! what is served is in the OpenAPI document.

use std::borrow::Cow;
use std::sync::LazyLock;

use utoipa::__dev::SchemaReferences;
use utoipa::openapi::path::{HttpMethod, Operation};
use utoipa::openapi::{RefOr, Schema};

use super::super::path::segments;
use super::RESOURCES;
use super::answer::Reply;
use super::call::Call;
use super::problem::Problem;

/// What is done with a request.
pub type Handler = fn(&Call) -> Result<Reply, Problem>;

/// Schemas by name, as the document lists them.
pub type Schemas = Vec<(String, RefOr<Schema>)>;

/// One kind of thing that is administered.
pub struct Resource {
    /// Its name in the document.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub about: &'static str,
    /// Its routes.
    pub routes: &'static [Route],
}

/// One annotated handler.
pub struct Route {
    /// Its path, from `/api/v1` on, with `{names}` for ids.
    pub path: fn() -> String,
    /// Its methods.
    pub methods: fn() -> Vec<HttpMethod>,
    /// Its description.
    pub operation: fn() -> Operation,
    /// The schemas its description names.
    pub schemas: fn(&mut Schemas),
    /// The handler.
    pub handle: Handler,
    /// Whether it changes anything, and so is closed to those who only read.
    pub changes: bool,
    /// Whether it takes a body.
    pub takes_body: bool,
}

impl Route {
    /// A route that only reads. `Described` is what `utoipa::path` makes of the handler: `__path_` and its name.
    pub const fn read<Described: utoipa::Path + SchemaReferences>(handle: Handler) -> Self {
        Self {
            path: Described::path,
            methods: Described::methods,
            operation: Described::operation,
            schemas: Described::schemas,
            handle,
            changes: false,
            takes_body: false,
        }
    }

    /// A route that changes something.
    pub const fn change<Described: utoipa::Path + SchemaReferences>(handle: Handler) -> Self {
        Self { changes: true, ..Self::read::<Described>(handle) }
    }

    /// It takes a body.
    #[must_use]
    pub const fn with_body(mut self) -> Self {
        self.takes_body = true;
        self
    }
}

/// A path and the routes under it, one a method.
struct Place {
    path: String,
    methods: Vec<(&'static str, &'static Route)>,
}

static PLACES: LazyLock<Vec<Place>> = LazyLock::new(|| {
    let mut places: Vec<Place> = Vec::new();
    for route in RESOURCES.iter().flat_map(|resource| resource.routes) {
        let path = (route.path)();
        let methods = (route.methods)().into_iter().map(|method| (name(&method), route));
        match places.iter_mut().find(|place| place.path == path) {
            Some(place) => place.methods.extend(methods),
            None => places.push(Place { path, methods: methods.collect() }),
        }
    }
    places
});

/// The method as a request bears it.
pub fn name(method: &HttpMethod) -> &'static str {
    match method {
        HttpMethod::Get => "GET",
        HttpMethod::Post => "POST",
        HttpMethod::Put => "PUT",
        HttpMethod::Patch => "PATCH",
        HttpMethod::Delete => "DELETE",
        _ => "other",
    }
}

/// Every path with its methods.
pub fn all() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    PLACES.iter().map(|place| (place.path.as_str(), place.methods.iter().map(|(method, _)| *method).collect()))
}

/// What a request asks for.
pub enum Asked {
    /// This, with the ids from the path in their order.
    Route(&'static Route, Vec<String>),
    /// Which methods there are: the value of `Allow`.
    Options(String),
    /// A method this path does not have; with the value of `Allow`.
    WrongMethod(String),
}

/// Finds the route of a path as sent, and what the method asks of it. `None` if there is no such path.
pub fn find(method: &str, path: &str) -> Option<(&'static str, Asked)> {
    let segments = segments(path)?;
    // A path that names more of its segments stands before one that takes them for ids.
    let found = PLACES.iter().filter_map(|place| Some((place, ids(&place.path, &segments)?)));
    let (place, ids) = found.min_by_key(|(_, ids)| ids.len())?;
    let sought = if method == "HEAD" { "GET" } else { method };
    let asked = match place.methods.iter().find(|(served, _)| *served == sought) {
        Some((_, route)) => Asked::Route(route, ids),
        None if method == "OPTIONS" => Asked::Options(allow(&place.methods)),
        None => Asked::WrongMethod(allow(&place.methods)),
    };
    Some((&place.path, asked))
}

/// The ids in a path, if it is of this pattern.
fn ids(pattern: &str, path: &[Cow<'_, str>]) -> Option<Vec<String>> {
    let mut ids = Vec::new();
    let mut expected = pattern.split('/').skip(1);
    for segment in path {
        let expected = expected.next()?;
        if expected.starts_with('{') {
            ids.push(segment.clone().into_owned());
        } else if segment != expected {
            return None;
        }
    }
    expected.next().is_none().then_some(ids)
}

/// The value of `Allow` (RFC 9110 §10.2.1).
fn allow(methods: &[(&'static str, &'static Route)]) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_found_under_its_path_and_method() {
        for route in RESOURCES.iter().flat_map(|resource| resource.routes) {
            let path = (route.path)();
            assert!(path.starts_with("/api/v1/"), "{path}");
            for method in (route.methods)() {
                let Some((found, Asked::Route(..))) = find(name(&method), &path) else {
                    panic!("{} {path} is not found", name(&method))
                };
                assert_eq!(found, path);
            }
        }
    }

    #[test]
    fn a_path_has_one_route_for_a_method() {
        for (path, mut methods) in all() {
            let count = methods.len();
            methods.sort_unstable();
            methods.dedup();
            assert_eq!(methods.len(), count, "{path}");
        }
    }

    #[test]
    fn whatever_changes_something_does_not_read_and_the_other_way_round() {
        for route in RESOURCES.iter().flat_map(|resource| resource.routes) {
            for method in (route.methods)() {
                let reads = name(&method) == "GET";
                assert!(!reads || !route.changes, "{} changes something by GET", (route.path)());
                assert!(!reads || !route.takes_body, "{} takes a body by GET", (route.path)());
            }
        }
    }

    #[test]
    fn what_is_not_in_the_table_is_not_found() {
        for path in
            ["/api", "/api/v1", "/api/v2/connections", "/api/v1/connections/a/b", "/api/v1/Connections", "/api/v1/%ff"]
        {
            assert!(find("GET", path).is_none(), "{path}");
        }
        let Some((_, Asked::WrongMethod(allow))) = find("DELETE", "/api/v1/connections") else { panic!() };
        assert_eq!(allow, "GET, HEAD, POST, OPTIONS");
    }
}
