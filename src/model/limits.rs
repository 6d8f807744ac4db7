//! Every limit in one place; `docs/limits.md` lists them for users.

/// Bytes of a request body (10,000 PATCH operations are about 1.5 MB).
pub const BODY_BYTES: usize = 8 * 1024 * 1024;
/// Nesting of a JSON body.
pub const JSON_DEPTH: usize = 32;
/// Values in a JSON body, an object counted as 5, an array as 4, a comma as 2: about 80 bytes of memory each.
pub const JSON_WEIGHT: usize = 300_000;
/// Characters of any one string of a resource.
pub const STRING_CHARACTERS: usize = 16_384;
/// Bytes of a value that stands in an index, folded: `userName`, `externalId`, `emails.value`, `displayName` of groups.
pub const KEY_BYTES: usize = 1_024;
/// Bytes of the canonical text of one resource.
pub const DOCUMENT_BYTES: usize = 262_144;
/// Values of one multi-valued attribute, members excepted.
pub const VALUES_PER_ATTRIBUTE: usize = 1_000;
/// Comparisons with values of multi-valued attributes, members excepted, that the operations of one PATCH may make.
pub const VALUES_LOOKED_AT: usize = 2_000_000;
/// Bytes of a filter.
pub const FILTER_BYTES: usize = 16_384;
/// Nesting of a filter: parentheses, `not`, value paths.
pub const FILTER_DEPTH: usize = 32;
/// Comparisons in one filter.
pub const FILTER_TERMS: usize = 200;
/// Resources a filter or an order without an index may look at before it is refused as `tooMany` (RFC 7644 §3.12).
pub const SCANNED_RESOURCES: usize = 100_000;
/// Resources on one page.
pub const PAGE_SIZE: usize = 1_000;
/// Resources on a page when the client does not say.
pub const DEFAULT_PAGE_SIZE: usize = 100;
/// Characters of a value that count when lists are sorted; what is equal so far is sorted by `id`.
pub const SORT_KEY_CHARACTERS: usize = 128;
/// Seconds a cursor is good for, from the page it came with.
pub const CURSOR_SECONDS: usize = 3_600;
/// Operations in one bulk request.
pub const BULK_OPERATIONS: usize = 1_000;
/// Operations in one PATCH.
pub const PATCH_OPERATIONS: usize = 20_000;
/// Member changes in one request.
pub const MEMBERS_PER_REQUEST: usize = 100_000;
/// Groups in groups in groups.
pub const NESTING_DEPTH: usize = 10;
/// Members up to which a PATCH of a group is answered with the group.
pub const MEMBERS_IN_PATCH_ANSWER: usize = 100;
/// Members of a group that are named in one signal; of more, only that they have changed.
pub const MEMBERS_IN_SIGNAL: usize = 1_000;
/// Characters of a bearer token or a client assertion; those of other issuers are long.
pub const TOKEN_CHARACTERS: usize = 8_192;
/// Characters of the slug of an organization.
pub const SLUG_CHARACTERS: usize = 63;
/// Characters of the name of an organization or a connection.
pub const NAME_CHARACTERS: usize = 100;
/// Bytes of the document of an extension schema.
pub const SCHEMA_BYTES: usize = 65_536;
/// Attributes of an extension schema, sub-attributes included.
pub const SCHEMA_ATTRIBUTES: usize = 200;
/// Extension schemas of one organization.
pub const SCHEMAS: usize = 20;
/// Bytes of the URN of an extension schema.
pub const URN_BYTES: usize = 200;
/// Days a token may be valid at most.
pub const TOKEN_DAYS: usize = 3_650;
/// Members on one page of groups.
pub const MEMBERS_PER_LIST: usize = 250_000;
/// Characters of a permission, a role's name, a guardrail's name and a resource type.
pub const ACCESS_NAME_CHARACTERS: usize = 63;
/// Permissions in an organization's catalogue.
pub const CATALOGUE_PERMISSIONS: usize = 1_000;
/// Characters of the id of a resource below an environment.
pub const LEAF_ID_CHARACTERS: usize = 256;
/// Characters of a reason, a description or a control's name.
pub const REASON_CHARACTERS: usize = 1_000;
/// Names in the allow-list of one credential: what its caller is believed.
pub const BELIEVED: usize = 100;
/// Roles at scopes that may be offered to one connection.
pub const ROLE_OFFERS: usize = 1_000;
/// Ids of one minute that the log keeps of what one caller named and its organization has not.
pub const UNKNOWN_IDS: usize = 100;
/// Evaluations in one AuthZEN request.
pub const EVALUATIONS: usize = 1_000;
/// Bytes of a webhook that arrives.
pub const WEBHOOK_BYTES: usize = 1_048_576;
/// Bytes of a request body or an answer that the request log keeps, masked; of longer ones only the length.
pub const LOGGED_BODY_BYTES: usize = 65_536;
/// Bytes of a guardrail.
pub const GUARDRAIL_BYTES: usize = 16_384;
/// Brackets in brackets of a guardrail.
pub const GUARDRAIL_DEPTH: usize = 32;
/// Operators in one guardrail.
pub const GUARDRAIL_OPERATORS: usize = 200;
/// Guardrails of an organization.
pub const GUARDRAILS: usize = 200;
/// Attributes guardrails may read of one kind of thing.
pub const GUARDRAIL_ATTRIBUTES: usize = 200;
/// Bytes of an AuthZEN request.
pub const EVALUATION_BYTES: usize = 1_048_576;
/// Bytes of what an AuthZEN request says of one question and is believed.
pub const SAID_BYTES: usize = 16_384;
/// Entities on one page of an AuthZEN search.
pub const SEARCH_PAGE: usize = 1_000;
/// Characters of an e-mail address (RFC 5321 §4.5.3.1.3 less the brackets).
pub const EMAIL_CHARACTERS: usize = 254;
/// Bytes of a form of the console, files included.
pub const FORM_BYTES: usize = 5 * 1024 * 1024;
/// Minutes without a request after which a session of the console ends.
pub const SESSION_IDLE_MINUTES: usize = 120;
/// Minutes after which a session of the console ends, used or not.
pub const SESSION_MINUTES: usize = 720;
/// Minutes after signing in within which what is grave may be done.
pub const FRESH_SIGN_IN_MINUTES: usize = 30;
/// Minutes a link that signs in is good for.
pub const SIGN_IN_LINK_MINUTES: usize = 10;
/// Hours an invitation is good for.
pub const INVITATION_HOURS: usize = 72;
/// Invitations in one form.
pub const INVITATIONS_AT_ONCE: usize = 400;
/// Days for which answered signals, notifications and notices that are over are kept; that somebody is gone stays.
pub const TOLD_DAYS: usize = 30;
/// Subscribers to notices in one organization.
pub const SUBSCRIPTIONS: usize = 100;
/// People something is done to in one form.
pub const PEOPLE_AT_ONCE: usize = 500;
/// Downstream systems of one organization.
pub const DOWNSTREAM_SYSTEMS: usize = 50;
/// Accounts of one downstream system.
pub const DOWNSTREAM_ACCOUNTS: usize = 200_000;
/// Comparisons of one downstream system that are kept, the newest.
pub const RECONCILIATIONS_KEPT: usize = 400;
/// Groups of one mirror.
pub const MIRRORED_GROUPS: usize = 10_000;
/// Repositories named for one mirror.
pub const MIRRORED_REPOSITORIES: usize = 1_000;
