//! Notifications: which administrators are told what, and what is so now.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::{EmailAddress, NoticeKind, ResourceId};
use crate::service::notifications::{self, NewSubscription, StandingNotice, SubscriptionChoice, Target};

use super::answer::Reply;
use super::call::Call;
use super::page::{Page, Paging, Stretch};
use super::problem::Problem;
use super::route::{Resource, Route};

/// Its routes.
pub const RESOURCE: Resource = Resource {
    name: "notifications",
    about: "What administrators are told, by mail or webhook: each cause once when it begins and once when it is over",
    routes: &[
        Route::read::<__path_list>(list),
        Route::change::<__path_create>(create).with_body(),
        Route::read::<__path_read>(read),
        Route::change::<__path_change>(change).with_body(),
        Route::change::<__path_remove>(remove),
        Route::change::<__path_test>(test),
        Route::read::<__path_notices>(notices),
    ],
};

/// Who is told of what.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Subscription)]
struct Shown {
    /// Its id
    id: String,
    /// The address of the administrator who is told by mail
    email: Option<String>,
    /// Where webhooks go
    url: Option<String>,
    /// Of what: `leaver-not-confirmed`, `leaver-found`, `receiver-failing`, `connection-failing`, `brake-fired`,
    /// `token-expiring`, `gate-below-minimum`
    kinds: Vec<&'static str>,
    /// Since when
    #[schema(format = DateTime)]
    created_at: String,
    /// Why it could not be told
    last_error: Option<String>,
}

impl From<notifications::Shown> for Shown {
    fn from(shown: notifications::Shown) -> Self {
        let subscription = shown.stored.subscription;
        let url = match subscription.target {
            Target::Webhook { endpoint, .. } => Some(endpoint),
            Target::Mail(_) => None,
        };
        Self {
            id: subscription.id.to_string(),
            email: shown.email,
            url,
            kinds: subscription.kinds.iter().map(|kind| kind.as_str()).collect(),
            created_at: subscription.created_at.to_string(),
            last_error: shown.stored.last_error,
        }
    }
}

/// Who is to be told of what: an administrator by mail, or an address by webhook.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewSubscription)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// The address with which an administrator of the organization signs in
    email: Option<String>,
    /// Where webhooks go, instead
    url: Option<String>,
    /// Of what [default: of everything]
    kinds: Option<Vec<String>>,
}

/// Of what from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SubscriptionChange)]
#[serde(deny_unknown_fields)]
struct Change {
    /// Of what
    kinds: Vec<String>,
}

/// A subscription just created.
#[derive(Serialize, ToSchema)]
#[schema(as = CreatedSubscription)]
struct Created {
    /// The subscription
    #[serde(flatten)]
    subscription: Shown,
    /// The key its webhooks are signed with; shown this once
    secret: Option<String>,
}

/// Something that is so now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Notice)]
struct ShownNotice {
    /// Its id
    id: String,
    /// Of what kind
    kind: &'static str,
    /// What of: an id, a gate
    cause: String,
    /// A sentence
    text: String,
    /// Since when
    #[schema(format = DateTime)]
    began_at: String,
}

impl From<StandingNotice> for ShownNotice {
    fn from(notice: StandingNotice) -> Self {
        Self {
            id: notice.id.to_string(),
            kind: notice.kind.as_str(),
            cause: notice.cause,
            text: notice.said,
            began_at: notice.began_at.to_string(),
        }
    }
}

fn kinds(names: &[String]) -> Result<BTreeSet<NoticeKind>, Problem> {
    let read = |name: &String| {
        NoticeKind::from_name(name).ok_or_else(|| Problem::bad_request(format!("`{name}` is no kind of notice")))
    };
    names.iter().map(read).collect()
}

/// The subscriptions, oldest first
#[utoipa::path(get, path = "/api/v1/notifications", operation_id = "list_subscriptions", params(Paging),
    responses((status = 200, body = Page<Shown>)))]
fn list(call: &Call) -> Result<Reply, Problem> {
    let asked: Paging = call.query()?;
    let stretch = Stretch::read(call, &["notifications"], asked.limit.as_deref(), asked.cursor.as_deref())?;
    let all = call.administration().subscriptions(call.organization())?;
    Reply::ok(&stretch.page_of_all(all, |shown| shown.stored.subscription.id, Shown::from))
}

/// Lets somebody be told, and shows the key of a webhook this once
#[utoipa::path(post, path = "/api/v1/notifications", operation_id = "create_subscription", request_body = Wanted,
    responses((status = 201, body = Created)))]
fn create(call: &Call) -> Result<Reply, Problem> {
    let wanted: Wanted = call.body()?;
    let choice = match (wanted.email, wanted.url) {
        (Some(email), None) => {
            let address: Result<EmailAddress, _> = email.parse();
            SubscriptionChoice::Mail(address.map_err(|error| Problem::bad_request(format!("`email`: {error}")))?)
        }
        (None, Some(url)) => SubscriptionChoice::Webhook(url),
        _ => return Err(Problem::bad_request("give either `email` or `url`")),
    };
    let kinds = wanted.kinds.as_deref().map(kinds).transpose()?;
    let new = NewSubscription { choice, kinds: kinds.unwrap_or_else(|| NoticeKind::ALL.into_iter().collect()) };
    let (shown, secret) = call.administration().subscribe(call.organization(), &new)?;
    let path = format!("notifications/{}", shown.stored.subscription.id);
    let created = Created { subscription: Shown::from(shown), secret: secret.map(|secret| secret.to_string()) };
    Reply::created(call, &created, &path, None)
}

/// A subscription and how it fares
#[utoipa::path(get, path = "/api/v1/notifications/{id}", operation_id = "read_subscription",
    params(("id" = String, Path, description = "Its id")), responses((status = 200, body = Shown)))]
fn read(call: &Call) -> Result<Reply, Problem> {
    Reply::ok(&Shown::from(call.administration().subscription(call.organization(), call.id(0)?)?))
}

/// Says of what somebody is told
#[utoipa::path(patch, path = "/api/v1/notifications/{id}", operation_id = "change_subscription", request_body = Change,
    params(("id" = String, Path, description = "Its id")), responses((status = 200, body = Shown)))]
fn change(call: &Call) -> Result<Reply, Problem> {
    let id: ResourceId = call.id(0)?;
    let wanted: Change = call.body()?;
    let administration = call.administration();
    administration.change_subscription(call.organization(), id, &kinds(&wanted.kinds)?, None)?;
    Reply::ok(&Shown::from(administration.subscription(call.organization(), id)?))
}

/// Tells somebody no more
#[utoipa::path(delete, path = "/api/v1/notifications/{id}", operation_id = "remove_subscription",
    params(("id" = String, Path, description = "Its id")), responses((status = 204)))]
fn remove(call: &Call) -> Result<Reply, Problem> {
    call.administration().unsubscribe(call.organization(), call.id(0)?)?;
    Ok(Reply::NoContent)
}

/// Sends a notification that says that being told works
#[utoipa::path(post, path = "/api/v1/notifications/{id}/test", operation_id = "test_subscription",
    params(("id" = String, Path, description = "Its id")), responses((status = 204)))]
fn test(call: &Call) -> Result<Reply, Problem> {
    call.administration().test_subscription(call.organization(), call.id(0)?)?;
    Ok(Reply::NoContent)
}

/// What is so now, of the kinds somebody wants to be told of, oldest first
#[utoipa::path(get, path = "/api/v1/notices", operation_id = "list_notices", params(Paging),
    responses((status = 200, body = Page<ShownNotice>)))]
fn notices(call: &Call) -> Result<Reply, Problem> {
    let asked: Paging = call.query()?;
    let stretch = Stretch::read(call, &["notices"], asked.limit.as_deref(), asked.cursor.as_deref())?;
    let all = notifications::standing(&call.services, call.organization())?;
    Reply::ok(&stretch.page_of_all(all, |notice| notice.id, ShownNotice::from))
}
