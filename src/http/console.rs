//! The console, at `/`: pages rendered here, that work without a script. Pages read; forms change, each at an address of
//! its own, and answer with a redirect.
//!
//! A page is one file: a struct for its template in `templates/`, a handler, and its lines in [`PAGES`]. What every page
//! has (who looks, where, the form's token) comes with the visit.

mod agent;
mod answer;
mod assets;
mod browser;
mod chart;
mod connections;
mod cut_off;
mod exports;
mod fields;
mod frame;
mod gates;
mod groups;
mod guardrails;
mod home;
mod identity;
mod identity_settings;
mod invitations;
mod join;
mod leavers;
mod link;
mod log;
mod mappings;
mod notifications;
mod organizations;
mod past;
mod people;
mod preferences;
mod preview;
mod profile;
mod prose;
mod refusal;
mod refused;
mod roles;
mod route;
mod sections;
mod services;
mod sessions;
mod settings;
mod sign_in;
mod systems;
mod upload;
mod visit;
mod when;

use std::panic::{AssertUnwindSafe, catch_unwind};

use actix_web::http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY, X_FRAME_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::ids;

use super::record::Record;
use super::{Edge, X_REQUEST_ID, harden, path};

use answer::Answer;
use browser::Browser;
use fields::Fields;
use frame::Frame;
use refusal::Refusal;
use visit::Visit;

pub use route::{Method, Needs, Page};

/// Every page, by file.
pub const PAGES: &[&[Page]] = &[
    connections::PAGES,
    connections::brake::PAGES,
    connections::practice::PAGES,
    exports::PAGES,
    gates::PAGES,
    groups::PAGES,
    groups::idle::PAGES,
    guardrails::PAGES,
    guardrails::ready::PAGES,
    home::PAGES,
    identity::PAGES,
    identity_settings::PAGES,
    invitations::PAGES,
    join::PAGES,
    leavers::PAGES,
    link::PAGES,
    log::PAGES,
    mappings::PAGES,
    notifications::PAGES,
    organizations::PAGES,
    past::PAGES,
    people::edit::PAGES,
    people::endings::PAGES,
    people::list::PAGES,
    people::many::PAGES,
    people::person::PAGES,
    people::roles::PAGES,
    people::sessions::PAGES,
    preferences::PAGES,
    profile::PAGES,
    roles::PAGES,
    services::PAGES,
    services::acts::PAGES,
    services::one::PAGES,
    sessions::PAGES,
    settings::PAGES,
    sign_in::PAGES,
    systems::PAGES,
];

/// First segments of the console's addresses, beside `/` itself.
const PLACES: [&str; 8] = ["o", "assets", "sign-in", "sign-out", "link", "join", "theme", "sessions"];

/// What browsers may load and do on every page: nothing but what comes from here.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Whether a path is the console's.
pub fn is_meant(path: &str) -> bool {
    path == "/" || PLACES.iter().any(|place| path::is_under(place, path))
}

/// Answers whatever arrives for the console.
pub async fn answer(edge: web::Data<Edge>, request: &HttpRequest, payload: web::Payload) -> HttpResponse {
    if let Some(asset) = assets::find(request.path()) {
        return asset.answer(request.method().as_str());
    }
    let id = ids::request(edge.services.clock.now());
    let mut record = Record::new(id, request.method().as_str(), &edge.metrics);
    let mut browser = Browser::of(request);
    let answer = respond(&edge, request, payload, &mut record, &browser).await;
    let mut response = answer.into_response(&mut browser);
    secure(&mut response);
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    record.finish(response.status().as_u16(), &edge.metrics);
    response
}

/// The headers no page goes without.
fn secure(response: &mut HttpResponse) {
    harden(response);
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    // `no-referrer` would take the origin from forms too, which is checked.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    headers.insert(
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    );
    if !headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    }
}

/// What arrived: the page that is asked for, the values in its address, and what is said with it.
struct Arrived {
    page: &'static Page,
    ids: Vec<String>,
    query: Fields,
    form: Fields,
}

async fn arrived(
    edge: &Edge,
    request: &HttpRequest,
    payload: web::Payload,
    record: &mut Record,
) -> Result<Arrived, Refusal> {
    let Some((page, ids)) = route::find(request.method().as_str(), request.path())? else {
        return Err(Refusal::NotFound);
    };
    record.route(page.path);
    let form = match page.method {
        Method::Get => Fields::default(),
        Method::Post => {
            Browser::require_same_origin(request.headers(), &edge.services.public_url)?;
            fields::read(request.headers(), payload).await?
        }
    };
    let query = Fields::of_query(request.query_string())?;
    Ok(Arrived { page, ids, query, form })
}

async fn respond(
    edge: &Edge,
    request: &HttpRequest,
    payload: web::Payload,
    record: &mut Record,
    browser: &Browser,
) -> Answer {
    let arrived = arrived(edge, request, payload, record).await;
    let mut visit = Visit {
        services: edge.services.clone(),
        request: record.request(),
        path: request.path().to_owned(),
        ids: Vec::new(),
        query: Fields::default(),
        form: Fields::default(),
        browser: browser.clone(),
        post: request
            .app_data::<web::Data<crate::service::post::Post>>()
            .cloned()
            .unwrap_or_else(|| web::Data::new(crate::service::post::Post::default())),
        practice: request
            .app_data::<web::Data<crate::service::practice::Practice>>()
            .cloned()
            .unwrap_or_else(|| web::Data::new(crate::service::practice::Practice::default())),
        signed_in: None,
        member: None,
    };
    let page = arrived.map(|arrived| {
        (visit.ids, visit.query, visit.form) = (arrived.ids, arrived.query, arrived.form);
        arrived.page
    });
    let span = record.span();
    let handled = web::block(move || {
        span.in_scope(|| {
            let handle = |page| {
                let mut handle = || visit.admit(page).and_then(|()| visit.handled(page));
                catch_unwind(AssertUnwindSafe(&mut handle)).unwrap_or(Err(Refusal::Fault))
            };
            let answer = page.and_then(handle);
            answer.unwrap_or_else(|refusal| visit.refused(refusal))
        })
    });
    handled.await.unwrap_or_else(|_blocking| Refusal::Fault.answer(Frame::outside(browser, ""), ""))
}
