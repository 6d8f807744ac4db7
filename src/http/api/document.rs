//! The OpenAPI document, made once from the table of routes.

use std::sync::LazyLock;

use utoipa::openapi::path::PathItem;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, OpenApiBuilder, PathsBuilder, Ref, ResponseBuilder,
};
use utoipa::{PartialSchema, ToSchema};

use super::super::path;
use super::RESOURCES;
use super::problem::ProblemDocument;

/// Where it is.
const PATH: [&str; 3] = ["api", "v1", "openapi.json"];
const SCHEME: &str = "bearer";

static TEXT: LazyLock<String> = LazyLock::new(|| {
    let mut paths = PathsBuilder::new();
    let mut schemas = Vec::new();
    for resource in RESOURCES {
        for route in resource.routes {
            (route.schemas)(&mut schemas);
            let mut operation = (route.operation)();
            operation.tags = Some(vec![resource.name.to_owned()]);
            operation.responses.responses.insert("default".to_owned(), refusal().into());
            paths = paths.path((route.path)(), PathItem::from_http_methods((route.methods)(), operation));
        }
    }
    schemas.push((ProblemDocument::name().into_owned(), ProblemDocument::schema()));
    let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    let components = ComponentsBuilder::new().schemas_from_iter(schemas).security_scheme(SCHEME, scheme).build();
    let tags = RESOURCES.iter().map(|it| TagBuilder::new().name(it.name).description(Some(it.about)).build());
    let info = InfoBuilder::new()
        .title("Muster administration")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .build();
    let document = OpenApiBuilder::new()
        .info(info)
        .paths(paths)
        .components(Some(components))
        .tags(Some(tags))
        .security(Some([SecurityRequirement::new(SCHEME, Vec::<String>::new())]))
        .build();
    // A document made of strings and maps can always be written.
    document.to_json().unwrap_or_default()
});

const ABOUT: &str = "Everything an administrator does. The organization is the one of the bearer token: `muster token \
    issue --kind admin`, or `--kind auditor` to read only. Lists are paged by cursor, single resources bear an `ETag` \
    and take `If-Match`, refusals are problem documents (RFC 9457).";

/// The document.
pub fn text() -> &'static str {
    &TEXT
}

/// Whether a request asks for it.
pub fn is_asked_for(method: &str, path: &str) -> bool {
    matches!(method, "GET" | "HEAD") && path::segments(path).is_some_and(|segments| segments == PATH)
}

fn refusal() -> utoipa::openapi::Response {
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description("A refusal").content("application/problem+json", problem).build()
}
